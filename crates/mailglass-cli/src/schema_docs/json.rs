//! `schema.json` and its JSON Schema.

use schemars::generate::SchemaSettings;
use serde::Serialize;

use super::model::Docs;

/// The file name of the JSON Schema, in the same folder.
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
    // The schema of the output. The schema of accepted input would make members with defaults optional.
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Docs>();
    schema.insert("title".to_owned(), "A database schema documented by mailglass".into());
    Ok(serde_json::to_string_pretty(&schema)? + "\n")
}
