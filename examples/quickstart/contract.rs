//! The contract: lists that stay in step with the closed sets, and a database that is what this build expects.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use mailglass::schema::mailglass_deliveries;
use mailglass::{DeliveryStatus, Stream, assert_closed_set, contract};

use crate::{Failure, TENANT, show};

/// The columns of our report. Leave one out, or misspell it, and this line doesn't compile.
const COLUMNS: [&str; 5] = ["queued", "sent", "dispatched", "failed", "suppressed"];
assert_closed_set!(DeliveryStatus, COLUMNS);

/// What our front end has. It was written before there were operational messages.
const TYPESCRIPT: &str = r#"export type Stream = "transactional" | "bulk_mail";"#;

pub(crate) fn show(conn: &mut PgConnection) -> Result<(), Failure> {
    show::chapter(
        7,
        "The contract",
        "The sets are closed, and whoever lists them hears of it.",
    );
    let counts = COLUMNS.iter().map(|column| -> Result<String, Failure> {
        let status: DeliveryStatus = column.parse()?;
        let ours = mailglass_deliveries::table.filter(mailglass_deliveries::tenant_id.eq(TENANT));
        let count: i64 = ours
            .filter(mailglass_deliveries::status.eq(status))
            .count()
            .get_result(conn)?;
        Ok(format!("{count} {column}"))
    });
    println!(
        "   Our report, held to DeliveryStatus at compile time: {}.",
        counts.collect::<Result<Vec<_>, _>>()?.join(", ")
    );

    let labels = TYPESCRIPT.split('"').skip(1).step_by(2);
    match Stream::CLOSED_SET.check(labels) {
        Err(mismatch) => println!("   The front end's union, in a test: {mismatch}."),
        Ok(()) => return Err("the union lacks a stream".into()),
    }

    println!(
        "   This database differs from what this build expects in {} things.",
        contract::verify(conn)?.len()
    );
    conn.test_transaction::<_, Failure, _>(|conn| {
        conn.batch_execute("ALTER TABLE mailglass_events DISABLE TRIGGER mailglass_events_immutable_trigger")?;
        for difference in contract::verify(conn)? {
            println!("   After ALTER TABLE … DISABLE TRIGGER (rolled back):\n      {difference}");
        }
        Ok(())
    });
    Ok(())
}
