//! Writing an old ledger as CSV.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::connection::Connection;
use crate::failure::{Failure, Kind};
use crate::interrupt;
use crate::output::{Output, count};

/// How many rows are read at once.
const PAGE: i64 = 10_000;

/// The columns of the table, with the expression that writes each as text: the same in every session.
const COLUMNS: &str = "
    SELECT
        class.oid::regclass::text AS table_name,
        array_agg(attname::text ORDER BY attnum) AS names,
        array_agg(
            CASE
                WHEN atttypid = 'timestamptz'::regtype
                THEN format('to_char(%I AT TIME ZONE ''UTC'', ''YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'')', attname)
                ELSE format('%I::text', attname)
            END
            ORDER BY attnum
        ) AS texts
    FROM pg_class AS class
    JOIN pg_attribute ON attrelid = class.oid AND attnum > 0 AND NOT attisdropped
    WHERE class.oid = to_regclass(quote_ident($1))
      AND class.relkind = 'r'
      AND $1 ~ '^mailglass_events(_until_[0-9]{8}(_[0-9]+)?)?$'
    GROUP BY class.oid";

#[derive(QueryableByName)]
struct Columns {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Array<Text>)]
    names: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    texts: Vec<String>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Array<Nullable<Text>>)]
    cells: Vec<Option<String>>,
}

/// Writes the rows in the order of their ids, so that the same ledger gives the same file and the same checksum. The table does not change, so
/// the pages need no common snapshot.
pub(super) fn export(
    connection: &mut Connection,
    table: &str,
    path: &Path,
    output: &mut Output,
) -> Result<(), Failure> {
    interrupt::work_in_steps();
    let columns: Option<Columns> =
        connection.run(|conn| Ok(sql_query(COLUMNS).bind::<Text, _>(table).get_result(conn).optional()?))?;
    let columns = columns.ok_or_else(|| {
        Failure::failed(format!("there is no old ledger {table:?}"))
            .hint("an old ledger is named mailglass_events_until_ and a date, such as mailglass_events_until_20251026")
    })?;
    let file = File::create_new(path).map_err(|error| Failure::of_file(path, &error))?;
    let mut file = Checked {
        file: BufWriter::new(file),
        digest: Sha256::new(),
        bytes: 0,
    };
    let query = format!(
        "SELECT id, ARRAY[{}] AS cells FROM {} WHERE $1 IS NULL OR id > $1 ORDER BY id LIMIT $2",
        columns.texts.join(", "),
        columns.table_name
    );
    let names: Vec<Option<String>> = columns.names.into_iter().map(Some).collect();
    file.line(&names, path)?;
    let (mut last, mut rows) = (None, 0);
    loop {
        let page: Vec<Row> = connection.run(|conn| {
            Ok(sql_query(&query)
                .bind::<Nullable<SqlUuid>, _>(last)
                .bind::<BigInt, _>(PAGE)
                .load(conn)?)
        })?;
        for row in &page {
            file.line(&row.cells, path)?;
        }
        rows += page.len();
        last = page.last().map(|row| row.id);
        if (page.len() as i64) < PAGE {
            break;
        }
        if interrupt::is_requested() {
            return Err(
                Failure::new(Kind::Interrupted, "interrupted between two pages").hint(format!(
                    "{} is incomplete: delete it and run the command again",
                    path.display()
                )),
            );
        }
    }
    let (sha256, bytes) = file.finish(path)?;
    if output.is_json() {
        return output.document(&json!({"table": table, "rows": rows, "bytes": bytes, "sha256": sha256}));
    }
    // As `sha256sum` prints it, so that `sha256sum --check` reads it.
    output.line(&format!("{sha256}  {}", path.display()))?;
    output.note(&format!("{} written", count(rows, "event", "events")));
    Ok(())
}

/// A file with the checksum of what was written.
struct Checked {
    file: BufWriter<File>,
    digest: Sha256,
    bytes: u64,
}

impl Checked {
    /// Writes a line of CSV (RFC 4180, with LF). NULL is an empty cell, and an empty text is `""`, as PostgreSQL's COPY writes them.
    fn line(&mut self, cells: &[Option<String>], path: &Path) -> Result<(), Failure> {
        let mut line = String::new();
        for (position, cell) in cells.iter().enumerate() {
            if position > 0 {
                line.push(',');
            }
            if let Some(cell) = cell {
                push_cell(&mut line, cell);
            }
        }
        line.push('\n');
        self.digest.update(&line);
        self.bytes += line.len() as u64;
        self.file
            .write_all(line.as_bytes())
            .map_err(|error| Failure::of_file(path, &error))
    }

    fn finish(mut self, path: &Path) -> Result<(String, u64), Failure> {
        let written = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        written.map_err(|error| Failure::of_file(path, &error))?;
        let mut sha256 = String::new();
        for byte in self.digest.finalize() {
            // Writing to a String never fails.
            let _ = write!(sha256, "{byte:02x}");
        }
        Ok((sha256, self.bytes))
    }
}

fn push_cell(line: &mut String, cell: &str) {
    if !cell.is_empty() && !cell.contains(['"', ',', '\n', '\r']) && cell != "\\." {
        line.push_str(cell);
        return;
    }
    line.push('"');
    line.push_str(&cell.replace('"', "\"\""));
    line.push('"');
}
