//! `mailglass stats`.

use std::process::ExitCode;

use clap::Args;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Double, Nullable, Text};
use serde::Serialize;

use crate::connection::DatabaseOptions;
use crate::diagnosis;
use crate::failure::Failure;
use crate::output::{Cell, Output};

const LONG: &str = "\
Count deliveries by status, events by type, events that wait for their delivery, deliveries that wait to be sent and \
suppressions, and show the size of the tables.

All numbers are from one snapshot. Counting reads each table once, which takes a while with millions of rows, and locks nothing. \
The sizes are those of the whole tables, even with --tenant, and those of all shards if Citus distributes the tables.";

const AFTER: &str = "\
Examples:
  mailglass stats --tenant acme
  mailglass stats --json | jq '.links.oldest_pending_seconds'";

/// Count deliveries, events, what waits, and suppressions.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Stats {
    /// Count only this tenant's rows.
    #[arg(long)]
    tenant: Option<String>,
}

// Labels are read as text, so that labels of a newer release are counted.
const DELIVERIES: &str = "
    SELECT status::text, count(*) AS count, count(*) FILTER (WHERE NOT terminal) AS open,
           count(*) FILTER (WHERE terminal) AS terminal
      FROM mailglass_deliveries AS delivery WHERE $1 IS NULL OR tenant_id = $1
     GROUP BY delivery.status ORDER BY delivery.status";

const EVENTS: &str = "
    SELECT type::text, count(*) AS count
      FROM mailglass_events AS event WHERE $1 IS NULL OR tenant_id = $1
     GROUP BY event.type ORDER BY event.type";

const PENDING: &str = "
    SELECT waiting_reason AS reason, count(*) AS count
      FROM mailglass_event_links
     WHERE linked_at IS NULL AND expired_at IS NULL AND ($1 IS NULL OR tenant_id = $1)
     GROUP BY waiting_reason ORDER BY waiting_reason";

const LINKS: &str = "
    SELECT count(*) FILTER (WHERE linked_at IS NULL AND expired_at IS NULL) AS pending,
           count(linked_at) AS linked, count(expired_at) AS expired,
           extract(epoch FROM now() - min(inserted_at) FILTER (WHERE linked_at IS NULL AND expired_at IS NULL))::float8
               AS oldest_pending_seconds
      FROM mailglass_event_links WHERE $1 IS NULL OR tenant_id = $1";

const OUTBOX: &str = "
    SELECT count(*) FILTER (WHERE held_at IS NULL AND available_at <= now()) AS due,
           count(*) FILTER (WHERE held_at IS NULL AND available_at > now() AND lease_id IS NULL) AS scheduled,
           count(*) FILTER (WHERE held_at IS NULL AND available_at > now() AND lease_id IS NOT NULL) AS leased,
           count(held_at) AS held
      FROM mailglass_outbox WHERE $1 IS NULL OR tenant_id = $1";

const SUPPRESSIONS: &str = "
    SELECT reason::text, count(*) AS count
      FROM mailglass_suppressions AS suppression
     WHERE since <= now() AND (until IS NULL OR until > now()) AND ($1 IS NULL OR tenant_id = $1)
     GROUP BY suppression.reason ORDER BY suppression.reason";

const SIZE: &str = r#"
    SELECT $1 AS "table", pg_table_size($1::regclass) AS table_bytes, pg_indexes_size($1::regclass) AS index_bytes"#;

// Citus keeps the rows of a distributed table in its shards.
const HAS_CITUS: &str = "to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL";

const DISTRIBUTED: &str = "ARRAY(
    SELECT relname::text
      FROM pg_catalog.pg_dist_partition JOIN pg_class ON pg_class.oid = logicalrelid
     WHERE logicalrelid = to_regclass(relname::text))";

const DISTRIBUTED_SIZE: &str = r#"
    SELECT $1 AS "table", citus_table_size($1::regclass) AS table_bytes,
           citus_total_relation_size($1::regclass) - citus_table_size($1::regclass) AS index_bytes"#;

#[derive(QueryableByName, Serialize)]
struct OfStatus {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = BigInt)]
    open: i64,
    #[diesel(sql_type = BigInt)]
    terminal: i64,
}

#[derive(QueryableByName, Serialize)]
struct OfType {
    #[diesel(sql_type = Text)]
    r#type: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName, Serialize)]
struct OfReason {
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName, Serialize)]
struct Links {
    #[diesel(sql_type = BigInt)]
    pending: i64,
    #[diesel(sql_type = BigInt)]
    linked: i64,
    #[diesel(sql_type = BigInt)]
    expired: i64,
    #[diesel(sql_type = Nullable<Double>)]
    oldest_pending_seconds: Option<f64>,
}

#[derive(QueryableByName, Serialize)]
struct Outbox {
    #[diesel(sql_type = BigInt)]
    due: i64,
    #[diesel(sql_type = BigInt)]
    scheduled: i64,
    #[diesel(sql_type = BigInt)]
    leased: i64,
    #[diesel(sql_type = BigInt)]
    held: i64,
}

#[derive(QueryableByName, Serialize)]
struct Size {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = BigInt)]
    table_bytes: i64,
    #[diesel(sql_type = BigInt)]
    index_bytes: i64,
}

#[derive(Serialize)]
struct Counted {
    deliveries: Vec<OfStatus>,
    events: Vec<OfType>,
    pending: Vec<OfReason>,
    links: Links,
    outbox: Outbox,
    suppressions: Vec<OfReason>,
    sizes: Vec<Size>,
}

impl Stats {
    pub(crate) fn run(self, database: &DatabaseOptions, output: &mut Output) -> Result<ExitCode, Failure> {
        let mut connection = database.connect_to_this_release()?;
        let counted = connection.run(|conn| self.count(conn))?;
        if output.is_json() {
            output.document(&counted)?
        } else {
            show(&counted, output)?
        }
        Ok(ExitCode::SUCCESS)
    }

    fn count(&self, conn: &mut PgConnection) -> mailglass::Result<Counted> {
        let tenant = self.tenant.as_deref();
        conn.build_transaction().repeatable_read().read_only().run(|conn| {
            Ok(Counted {
                deliveries: sql_query(DELIVERIES).bind::<Nullable<Text>, _>(tenant).load(conn)?,
                events: sql_query(EVENTS).bind::<Nullable<Text>, _>(tenant).load(conn)?,
                pending: sql_query(PENDING).bind::<Nullable<Text>, _>(tenant).load(conn)?,
                links: sql_query(LINKS).bind::<Nullable<Text>, _>(tenant).get_result(conn)?,
                outbox: sql_query(OUTBOX).bind::<Nullable<Text>, _>(tenant).get_result(conn)?,
                suppressions: sql_query(SUPPRESSIONS).bind::<Nullable<Text>, _>(tenant).load(conn)?,
                sizes: sizes(conn)?,
            })
        })
    }
}

/// The size of each table: of the table itself or, if Citus distributes it, of all its shards.
fn sizes(conn: &mut PgConnection) -> mailglass::Result<Vec<Size>> {
    let distributed: Vec<String> = if diesel::select(sql::<Bool>(HAS_CITUS)).get_result(conn)? {
        diesel::select(sql::<Array<Text>>(DISTRIBUTED)).get_result(conn)?
    } else {
        Vec::new()
    };
    let is_distributed = |table: &str| distributed.iter().any(|distributed| distributed == table);
    let mut sizes = Vec::new();
    for table in diagnosis::promised_tables() {
        let query = if is_distributed(table) { DISTRIBUTED_SIZE } else { SIZE };
        sizes.push(sql_query(query).bind::<Text, _>(table).get_result(conn)?);
    }
    Ok(sizes)
}

fn show(counted: &Counted, output: &mut Output) -> Result<(), Failure> {
    let deliveries = counted.deliveries.iter();
    let deliveries = deliveries.map(|status_count| {
        [
            status_count.status.as_str().into(),
            status_count.count.into(),
            status_count.open.into(),
            status_count.terminal.into(),
        ]
    });
    output.table(
        "Deliveries",
        ["status", "deliveries", "open", "terminal"],
        deliveries.collect(),
    )?;
    let events = counted
        .events
        .iter()
        .map(|type_count| [type_count.r#type.as_str().into(), type_count.count.into()]);
    output.table("Events", ["type", "events"], events.collect())?;
    let links = &counted.links;
    let pending = counted
        .pending
        .iter()
        .map(|reason| [format!("pending, {}", reason.reason).into(), reason.count.into()]);
    let settled = [
        ["linked".into(), links.linked.into()],
        ["expired".into(), links.expired.into()],
    ];
    let rows: Vec<[Cell; 2]> = pending.chain(settled).collect();
    output.table("Events recorded before their delivery", ["state", "events"], rows)?;
    let Outbox {
        due,
        scheduled,
        leased,
        held,
    } = counted.outbox;
    let waiting = vec![
        ["due".into(), due.into()],
        ["scheduled".into(), scheduled.into()],
        ["leased".into(), leased.into()],
        ["held".into(), held.into()],
    ];
    output.table("Deliveries that wait to be sent", ["state", "deliveries"], waiting)?;
    let suppressions = (counted.suppressions.iter()).map(|reason| [reason.reason.as_str().into(), reason.count.into()]);
    output.table(
        "Suppressions in force",
        ["reason", "suppressions"],
        suppressions.collect(),
    )?;
    let sizes = counted.sizes.iter();
    let sizes = sizes.map(|size| {
        [
            size.table.as_str().into(),
            size.table_bytes.into(),
            size.index_bytes.into(),
        ]
    });
    output.table(
        "Bytes on disk",
        ["table", "table_bytes", "index_bytes"],
        sizes.collect(),
    )?;
    if let Some(seconds) = links.oldest_pending_seconds {
        let age = std::time::Duration::from_secs(seconds.max(0.0) as u64);
        output.note(&format!(
            "the oldest pending event has waited for {}",
            humantime::format_duration(age)
        ));
    }
    Ok(())
}
