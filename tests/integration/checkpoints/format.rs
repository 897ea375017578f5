//! The digests are those that docs/checkpoints.md documents, in every session.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Binary;
use mailglass::ledger::{self, Checkpoint};

use super::{two_checkpoints, until, verify};
use crate::support::{TENANT, connect, connected};

const EVENTS: &str = "
    INSERT INTO mailglass_events VALUES
        ('00000000-0000-7000-8000-000000000001', 'acme', '00000000-0000-7000-8000-000000000002', 'bounced',
         '2026-01-01 00:00:01.5+00', 'ses:1', 'bounced', '{\"b\": 1.50, \"a\": \"\u{e9}\\n\"}', '{}', NULL, false,
         '2026-01-01 00:00:02.000001+00'),
        ('00000000-0000-7000-8000-000000000003', 'acme', NULL, 'opened',
         '1969-12-31 23:59:59+00', NULL, NULL, '{}', '{\"x\": [null]}', '', true,
         '2026-01-01 12:00:00+00')";

fn sha256(conn: &mut PgConnection, bytes: &[u8]) -> Vec<u8> {
    let digest = diesel::dsl::sql::<Binary>("pg_catalog.sha256(")
        .bind::<Binary, _>(bytes)
        .sql(")");
    diesel::select(digest).get_result(conn).unwrap()
}

/// A field as docs/checkpoints.md describes it: the number of its type, its length, its bytes.
fn field(row: &mut Vec<u8>, type_number: u32, value: Option<&[u8]>) {
    row.extend(type_number.to_be_bytes());
    match value {
        None => row.extend([0xff; 4]),
        Some(value) => {
            row.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
            row.extend(value);
        }
    }
}

fn uuid(last: u8) -> Vec<u8> {
    let mut bytes = vec![0, 0, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 0];
    bytes[15] = last;
    bytes
}

/// Microseconds since 2000-01-01 UTC.
fn time(text: &str) -> Vec<u8> {
    let time: chrono::DateTime<chrono::Utc> = text.parse().unwrap();
    (time.timestamp_micros() - 946_684_800_000_000).to_be_bytes().to_vec()
}

#[test]
fn digests_are_those_of_the_documented_bytes() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    conn.batch_execute(EVENTS).unwrap();
    let end = "2026-01-02T00:00:00Z".parse().unwrap();
    let checkpoint = ledger::checkpoint(conn, TENANT, None, &until(end))
        .unwrap()
        .into_checkpoint()
        .unwrap();

    let [bytea, uuid_type, time_type, boolean] = [17, 2950, 1184, 16];
    let mut bounced = 12_u32.to_be_bytes().to_vec();
    field(&mut bounced, uuid_type, Some(&uuid(1)));
    field(&mut bounced, bytea, Some(b"acme"));
    field(&mut bounced, uuid_type, Some(&uuid(2)));
    field(&mut bounced, bytea, Some(b"bounced"));
    field(&mut bounced, time_type, Some(&time("2026-01-01T00:00:01.5Z")));
    field(&mut bounced, bytea, Some(b"ses:1"));
    field(&mut bounced, bytea, Some(b"bounced"));
    field(
        &mut bounced,
        bytea,
        Some("{\"a\": \"\u{e9}\\n\", \"b\": 1.50}".as_bytes()),
    );
    field(&mut bounced, bytea, Some(b"{}"));
    field(&mut bounced, bytea, None);
    field(&mut bounced, boolean, Some(&[0]));
    field(&mut bounced, time_type, Some(&time("2026-01-01T00:00:02.000001Z")));
    let mut opened = 12_u32.to_be_bytes().to_vec();
    field(&mut opened, uuid_type, Some(&uuid(3)));
    field(&mut opened, bytea, Some(b"acme"));
    field(&mut opened, uuid_type, None);
    field(&mut opened, bytea, Some(b"opened"));
    field(&mut opened, time_type, Some(&time("1969-12-31T23:59:59Z")));
    field(&mut opened, bytea, None);
    field(&mut opened, bytea, None);
    field(&mut opened, bytea, Some(b"{}"));
    field(&mut opened, bytea, Some(b"{\"x\": [null]}"));
    field(&mut opened, bytea, Some(b""));
    field(&mut opened, boolean, Some(&[1]));
    field(&mut opened, time_type, Some(&time("2026-01-01T12:00:00Z")));

    let mut leaves = [sha256(conn, &bounced), sha256(conn, &opened)];
    leaves.sort();
    let mut parts = Vec::new();
    for part in leaves.chunk_by(|one, next| one[0] == next[0]) {
        parts.extend(u64::try_from(part.len()).unwrap().to_be_bytes());
        parts.extend(sha256(conn, &part.concat()));
    }
    let slice = checkpoint.slices[0];
    assert_eq!(slice.digest.as_bytes().to_vec(), sha256(conn, &parts));
    assert_eq!((checkpoint.slices.len(), slice.events), (1, 2));

    let text = format!(
        "mailglass checkpoint 1\ntenant 4:acme\nfrom -\nuntil 1767312000000000\nwidth 86400\nprevious -\nreplaces -\n\
         removed 0\nslice 20454 2 {}\n",
        slice.digest
    );
    assert_eq!(String::from_utf8(checkpoint.bytes()).unwrap(), text);
    assert_eq!(checkpoint.digest.as_bytes().to_vec(), sha256(conn, text.as_bytes()));
}

/// A checkpoint that is verified years later, by another release on another version of PostgreSQL.
#[test]
fn a_checkpoint_of_an_earlier_build_still_fits() {
    let (_database, mut conn) = connected();
    conn.batch_execute(EVENTS).unwrap();
    let checkpoint: Checkpoint = include_str!("first_checkpoint.json").parse().unwrap();
    assert_eq!(verify(&mut conn, &[checkpoint]).differences, []);
}

#[test]
fn no_setting_of_the_session_changes_a_digest() {
    let (database, mut conn) = connected();
    conn.batch_execute(EVENTS).unwrap();
    let chain = two_checkpoints(&mut conn);
    for setting in [
        "TimeZone = 'Asia/Kathmandu'",
        "DateStyle = 'German, DMY'",
        "IntervalStyle = sql_standard",
        "bytea_output = escape",
        "client_encoding = LATIN1",
        "extra_float_digits = -15",
        "standard_conforming_strings = off",
        "search_path = public, pg_catalog",
        "enable_sort = off",
        "work_mem = '64kB'",
        "default_transaction_isolation = serializable",
        "default_transaction_read_only = on",
    ] {
        let mut conn = connect(&database);
        conn.batch_execute(&format!("SET {setting}")).unwrap();
        assert_eq!(verify(&mut conn, &chain).differences, [], "{setting}");
        let again = until(chain[0].until);
        let again = ledger::checkpoint(&mut conn, TENANT, None, &again)
            .unwrap()
            .into_checkpoint()
            .unwrap();
        assert_eq!(again, chain[0], "{setting}");
    }
}
