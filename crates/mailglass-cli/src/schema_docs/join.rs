//! Joins the catalogs with the manifest and the facts that only the crate knows.

use mailglass::contract::{ClosedSet, NAMES, SETS, Value};
use mailglass::{Error, LedgerOperation};

use super::behaviour::behaviour;
use super::catalog::Catalog;
use super::conflict_target::diesel_on_conflict;
use super::model::{
    Docs, Enum, FORMAT_VERSION, Generator, Label, Name, Overview, Reference, Relation, RustError, RustTable,
};
use super::{column_facts, overview};

/// The docs of the relations in the catalog.
pub(crate) fn join(catalog: Catalog, title: Option<String>) -> Docs {
    let Catalog {
        mut relations,
        mut enums,
        domains,
        functions,
    } = catalog;
    relations.iter_mut().for_each(join_relation);
    enums.iter_mut().for_each(join_enum);
    let is_ours = |relation: &Relation| promised("table", &relation.name.name).is_some();
    let has_ours = relations.iter().any(is_ours);
    let default_title = if relations.iter().all(is_ours) {
        "mailglass schema"
    } else {
        "Schema"
    };
    Docs {
        format_version: FORMAT_VERSION,
        title: title.unwrap_or_else(|| default_title.to_owned()),
        generator: Generator {
            name: "mailglass".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        overview: has_ours.then(|| Overview {
            introduction: overview::INTRODUCTION.to_owned(),
            guarantees: overview::GUARANTEES.to_owned(),
        }),
        relations,
        enums,
        domains,
        functions,
        behaviour: has_ours.then(behaviour),
    }
}

/// The meaning of a name in the manifest.
fn promised(kind: &str, name: &str) -> Option<&'static str> {
    let named = NAMES
        .iter()
        .find(|promised| promised.kind == kind && promised.name == name)?;
    Some(named.meaning)
}

fn join_relation(relation: &mut Relation) {
    for index in 0..relation.indexes.len() {
        let lines = diesel_on_conflict(relation, &relation.indexes[index]);
        let index = &mut relation.indexes[index];
        index.diesel_on_conflict = lines;
        index.purpose = promised("index", &index.name)
            .map(str::to_owned)
            .or_else(|| index.comment.clone());
    }
    for trigger in &mut relation.triggers {
        if promised("function", &trigger.function.name).is_some() {
            trigger.rust_error = immutable(&trigger.events);
        }
    }
    let table = relation.name.name.clone();
    for (column, facts) in column_facts::columns(&table) {
        if let Some(described) = relation.columns.iter_mut().find(|described| described.name == column) {
            described.known = Some(facts);
        }
    }
    relation.rust = rust_table(&table);
    let logical = logical_references(relation);
    relation.references.extend(logical);
}

/// The Rust error for the ledger's guard.
fn immutable(events: &[String]) -> Option<RustError> {
    let operations = events.iter().filter_map(|event| match event.as_str() {
        "UPDATE" => Some(LedgerOperation::Update),
        "DELETE" => Some(LedgerOperation::Delete),
        "TRUNCATE" => Some(LedgerOperation::Truncate),
        _ => None,
    });
    let operations: Vec<LedgerOperation> = operations.collect();
    let sqlstate = NAMES.iter().find(|promised| promised.kind == "sqlstate")?;
    let operation = *operations.first()?;
    let pattern =
        |operation: &LedgerOperation| format!("Error::LedgerImmutable {{ operation: LedgerOperation::{operation:?} }}");
    Some(RustError {
        sqlstate: sqlstate.name.to_owned(),
        patterns: operations.iter().map(pattern).collect(),
        predicate: "error.is_ledger_immutable()".to_owned(),
        message: Error::LedgerImmutable { operation }.to_string(),
    })
}

fn rust_table(table: &str) -> Option<RustTable> {
    let (model, made_by, changed_by) = match table {
        "mailglass_deliveries" => (
            Some("mailglass::Delivery"),
            "NewDelivery::insert, NewDelivery::insert_all",
            Some(
                "Delivery::update with DeliveryChanges, mark_dispatched, mark_failed and mark_suppressed; by the \
                 projection of its events; and by privacy::erase",
            ),
        ),
        "mailglass_events" => (
            Some("mailglass::Event"),
            "ledger::record, ledger::record_batches, ledger::append with NewEvent",
            None,
        ),
        "mailglass_event_links" => (
            None,
            "ledger::record and ledger::append, for an event whose delivery is missing or ambiguous",
            Some("reconciler::sweep, and privacy::erase"),
        ),
        "mailglass_event_details" => (
            None,
            "ledger::record and ledger::append, for an event with NewEvent::details",
            Some("privacy::erase and retention::expire_details, which delete rows"),
        ),
        "mailglass_erasures" => (Some("mailglass::privacy::Erasure"), "privacy::erase", None),
        "mailglass_outbox" => (
            None,
            "NewDelivery::insert and NewDelivery::insert_all, for a delivery with NewDelivery::send or send_at",
            Some(
                "outbox::claim, the methods of Claim and Attempt, outbox::hold, release and resend, and privacy::erase",
            ),
        ),
        "mailglass_outbox_usage" => (None, "outbox::claim with limits", Some("outbox::claim with limits")),
        "mailglass_suppressions" => (
            Some("mailglass::suppressions::Suppression"),
            "suppressions::add, ledger::record_with and reconciler::sweep with rules",
            Some("suppressions::add and remove, the rules, and privacy::erase"),
        ),
        _ => return None,
    };
    Some(RustTable {
        table: format!("mailglass::schema::{table}"),
        model: model.map(str::to_owned),
        made_by: made_by.to_owned(),
        changed_by: changed_by.map(str::to_owned),
    })
}

/// References that the code maintains without a constraint.
fn logical_references(relation: &Relation) -> Vec<Reference> {
    const EARLY: &str = "A webhook can arrive before its delivery, and an event outlives its delivery.";
    const HISTORY: &str = "The history of the links outlives the delivery.";
    const CLAIMED: &str = "A row without a delivery is deleted when it is claimed.";
    const GUARDED: &str = "With a foreign key, a TRUNCATE of the ledger would fail before its guard runs.";
    let (deliveries, events) = ("mailglass_deliveries", "mailglass_events");
    let known: &[(&str, &str, &str)] = match relation.name.name.as_str() {
        "mailglass_events" => &[("delivery_id", deliveries, EARLY)],
        "mailglass_event_links" => &[
            ("event_id", events, GUARDED),
            ("delivery_id", deliveries, HISTORY),
            ("named_delivery_id", deliveries, EARLY),
        ],
        "mailglass_event_details" => &[("event_id", events, GUARDED)],
        "mailglass_outbox" => &[("delivery_id", deliveries, CLAIMED)],
        "mailglass_suppressions" => &[("source_event_id", events, GUARDED)],
        _ => &[],
    };
    let reference = |&(column, to, note): &(&str, &str, &str)| Reference {
        constraint: None,
        columns: vec![column.to_owned()],
        to: Name {
            schema: relation.name.schema.clone(),
            name: to.to_owned(),
        },
        to_columns: vec!["id".to_owned()],
        unique: relation.is_unique(column),
        optional: relation
            .columns
            .iter()
            .any(|referring| referring.name == column && referring.nullable),
        on_delete: None,
        on_update: None,
        note: Some(note.to_owned()),
    };
    known.iter().map(reference).collect()
}

fn join_enum(enum_type: &mut Enum) {
    let Some(set) = SETS.iter().find(|set| set.name == enum_type.name.name) else {
        let comment = enum_type.comment.clone().unwrap_or_default();
        for label in &mut enum_type.labels {
            label.meaning = meaning_in(&comment, &label.label);
        }
        return;
    };
    enum_type.rust = Some(format!("mailglass::{}", set.rust));
    for label in &mut enum_type.labels {
        if let Some(value) = set.live().find(|value| value.label == label.label) {
            *label = promised_label(value);
        }
    }
    enum_type.removed = removed(set).map(promised_label).collect();
}

fn removed(set: &ClosedSet) -> impl Iterator<Item = &'static Value> {
    set.values.iter().filter(|value| value.removed.is_some())
}

fn promised_label(value: &Value) -> Label {
    Label {
        label: value.label.to_owned(),
        meaning: Some(value.meaning.to_owned()),
        variant: Some(value.variant.to_owned()),
        since: Some(value.since.to_owned()),
        deprecated: value.deprecated.map(str::to_owned),
        removed: value.removed.map(str::to_owned),
    }
}

/// The meaning of a label. Postgres has no comments on labels, so the comment of the type has a line for each, such as
/// `paid: the money has arrived`.
fn meaning_in(comment: &str, label: &str) -> Option<String> {
    comment.lines().find_map(|line| {
        let line = line.trim_start().trim_start_matches(['-', '*']).trim_start();
        let meaning = line.strip_prefix(label)?.strip_prefix(':')?.trim();
        (!meaning.is_empty()).then(|| meaning.to_owned())
    })
}
