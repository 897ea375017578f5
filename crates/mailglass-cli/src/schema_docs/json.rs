//! `schema.json`, and the JSON Schema that it keeps to.

use schemars::generate::SchemaSettings;
use serde::Serialize;

use super::model::Docs;

/// The name of the JSON Schema's file, which stands beside.
pub(crate) const SCHEMA_FILE: &str = "schema.schema.json";

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    #[serde(flatten)]
    docs: &'a Docs,
}

pub(crate) fn json(docs: &Docs) -> serde_json::Result<String> {
    let document = Document {
        schema: SCHEMA_FILE,
        docs,
    };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

pub(crate) fn json_schema() -> serde_json::Result<String> {
    // What is written, not what could be read: an absent member is a missing one.
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Docs>();
    schema.insert("title".to_owned(), "A schema that mailglass documents".into());
    Ok(serde_json::to_string_pretty(&schema)? + "\n")
}
