//! Claiming and sending, beside a queue as it is written by hand: a table, a claim with FOR UPDATE SKIP LOCKED, and an update.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt};
use mailglass::outbox::{self, ClaimOptions, SentMessage};

use crate::bench::{Bench, connect};
use crate::data::TENANT;
use crate::measure::{Contender, Run, rates};
use crate::table::Table;

/// How many deliveries a step sends.
const STEP: usize = 200;

/// A queue by hand: the status is a column, and nothing else is recorded.
const QUEUE: &str = "
    CREATE TABLE mails (
        id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        recipient    text        NOT NULL,
        state        text        NOT NULL DEFAULT 'queued',
        available_at timestamptz NOT NULL DEFAULT now(),
        message_id   text
    );
    CREATE INDEX ON mails (available_at) WHERE state <> 'sent';";

const FILL_QUEUE: &str =
    "INSERT INTO mails (recipient) SELECT 'r' || n || '@example.com' FROM generate_series(1, $1) AS n";

const CLAIM: &str = "
    UPDATE mails
    SET state = 'sending', available_at = now() + interval '1 minute'
    WHERE id = ANY (ARRAY(
        SELECT id FROM mails
        WHERE state <> 'sent' AND available_at <= now()
        ORDER BY available_at
        LIMIT $1
        FOR UPDATE SKIP LOCKED
    ))
    RETURNING id, recipient";

const SENT: &str = "UPDATE mails SET state = 'sent', message_id = 'm' || id WHERE id = ANY ($1)";

const FILL_OUTBOX: &str = "
    WITH deliveries AS (
        INSERT INTO mailglass_deliveries (
            id, tenant_id, mailable, stream, recipient, recipient_domain, last_event_type, last_event_at
        )
        SELECT gen_random_uuid(), $2, 'welcome', 'bulk', 'r' || n || '@example.com', 'example.com', 'queued', now()
        FROM generate_series(1, $1) AS n
        RETURNING id
    )
    INSERT INTO mailglass_outbox (delivery_id, tenant_id, stream, recipient_domain)
    SELECT id, $2, 'bulk', 'example.com' FROM deliveries";

#[derive(QueryableByName)]
struct Mail {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// One delivery a call.
pub fn single(bench: &Bench) -> Table {
    table(
        bench,
        1,
        "Deliveries per second by claim, begin and sent, one per call, synchronous_commit = off.",
    )
}

/// A hundred deliveries a call.
pub fn batches(bench: &Bench) -> Table {
    table(
        bench,
        100,
        "Deliveries per second by claim, begin_all and sent_all, 100 per call.",
    )
}

fn table(bench: &Bench, size: usize, title: &str) -> Table {
    let steps = 20 / bench.divisor;
    let short = (steps + 1) * STEP;
    let contenders = [
        Contender::new("by hand", by_hand(bench, size, short)),
        Contender::new("outbox", by_outbox(bench, size, short)),
        Contender::new("by hand, long queue", by_hand(bench, size, 1_000_000 / bench.divisor)),
        Contender::new("outbox, long queue", by_outbox(bench, size, 1_000_000 / bench.divisor)),
    ];
    Table {
        title: title.to_owned(),
        unit: "per second",
        of: "by hand",
        rows: Table::rows_of(&format!("{size} per call"), &rates(bench.rounds, steps, &contenders)),
    }
}

/// Commits of single calls are not flushed: the disk would be measured.
fn prepare(conn: &mut PgConnection, size: usize) {
    if size == 1 {
        conn.batch_execute("SET synchronous_commit = off")
            .expect("the setting should be accepted");
    }
}

fn by_hand(bench: &Bench, size: usize, queued: usize) -> impl Fn() -> Box<dyn FnMut(usize) -> Run> + '_ {
    move || {
        let database = bench.database();
        let mut conn = connect(&database);
        conn.batch_execute(QUEUE).expect("the queue should be created");
        sql_query(FILL_QUEUE)
            .bind::<BigInt, _>(queued as i64)
            .execute(&mut conn)
            .expect("the queue should be filled");
        conn.batch_execute("VACUUM ANALYZE mails")
            .expect("the queue should be analyzed");
        prepare(&mut conn, size);
        Box::new(move |_| {
            let _kept = &database;
            Run::of(STEP, || {
                for _ in 0..STEP / size {
                    let mails: Vec<Mail> = sql_query(CLAIM)
                        .bind::<BigInt, _>(size as i64)
                        .load(&mut conn)
                        .expect("mails should be claimed");
                    assert_eq!(mails.len(), size);
                    let ids: Vec<i64> = mails.iter().map(|mail| mail.id).collect();
                    sql_query(SENT)
                        .bind::<Array<BigInt>, _>(&ids)
                        .execute(&mut conn)
                        .expect("mails should be sent");
                }
            })
        })
    }
}

fn by_outbox(bench: &Bench, size: usize, queued: usize) -> impl Fn() -> Box<dyn FnMut(usize) -> Run> + '_ {
    move || {
        let database = bench.database();
        let mut conn = connect(&database);
        sql_query(FILL_OUTBOX)
            .bind::<BigInt, _>(queued as i64)
            .bind::<diesel::sql_types::Text, _>(TENANT)
            .execute(&mut conn)
            .expect("the outbox should be filled");
        conn.batch_execute("VACUUM ANALYZE mailglass_outbox, mailglass_deliveries")
            .expect("the outbox should be analyzed");
        prepare(&mut conn, size);
        let options = ClaimOptions {
            limit: size as u32,
            ..ClaimOptions::all_tenants("bench")
        };
        Box::new(move |_| {
            let _kept = &database;
            Run::of(STEP, || {
                for _ in 0..STEP / size {
                    send(&mut conn, &options);
                }
            })
        })
    }
}

fn send(conn: &mut PgConnection, options: &ClaimOptions) {
    let claims = outbox::claim(conn, options).expect("deliveries should be claimed");
    assert_eq!(claims.len(), options.limit as usize);
    if let [claim] = claims.as_slice() {
        let attempt = claim.begin(conn).expect("the attempt should begin");
        attempt
            .sent(conn, "ses", claim.delivery().id)
            .expect("the message should be recorded");
        return;
    }
    let attempts = outbox::begin_all(conn, &claims).expect("the attempts should begin");
    let message = |attempt: outbox::Attempt| SentMessage {
        provider: "ses".to_owned(),
        provider_message_id: attempt.delivery().id.to_string(),
        attempt,
    };
    let messages: Vec<SentMessage> = attempts.into_iter().map(message).collect();
    outbox::sent_all(conn, &messages).expect("the messages should be recorded");
}
