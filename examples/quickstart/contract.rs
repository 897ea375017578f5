//! The contract: lists that are compared with the closed sets, and a database that is compared with this build.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use mailglass::schema::mailglass_deliveries;
use mailglass::{DeliveryStatus, Stream, assert_closed_set, contract};

use crate::{Failure, TENANT, show};

/// The columns of a report. The next line does not compile if one is missing or misspelt.
const COLUMNS: [&str; 5] = ["queued", "sent", "dispatched", "failed", "suppressed"];
assert_closed_set!(DeliveryStatus, COLUMNS);

/// A type of a web front end, which lacks two of the streams.
const TYPESCRIPT: &str = r#"export type Stream = "transactional" | "bulk_mail";"#;

pub(crate) fn show(conn: &mut PgConnection) -> Result<(), Failure> {
    show::chapter(
        7,
        "The contract",
        "Lists elsewhere are checked against the closed sets, and the database against this build.",
    );
    let counts = COLUMNS.iter().map(|column| -> Result<String, Failure> {
        let status: DeliveryStatus = column.parse()?;
        let count: i64 = mailglass_deliveries::table
            .filter(mailglass_deliveries::tenant_id.eq(TENANT))
            .filter(mailglass_deliveries::status.eq(status))
            .count()
            .get_result(conn)?;
        Ok(format!("{count} {column}"))
    });
    println!(
        "   A report whose columns are checked at compile time: {}.",
        counts.collect::<Result<Vec<_>, _>>()?.join(", ")
    );

    let labels = TYPESCRIPT.split('"').skip(1).step_by(2);
    match Stream::CLOSED_SET.check(labels) {
        Err(mismatch) => println!("   A TypeScript union that a test checks:\n      {mismatch}"),
        Ok(()) => return Err("the union has every stream".into()),
    }

    println!(
        "   Differences between this database and this build: {}.",
        contract::verify(conn)?.len()
    );
    println!("   After ALTER TABLE mailglass_events DISABLE TRIGGER (rolled back at once):");
    conn.test_transaction::<_, Failure, _>(|conn| {
        conn.batch_execute("ALTER TABLE mailglass_events DISABLE TRIGGER mailglass_events_immutable_trigger")?;
        for difference in contract::verify(conn)? {
            println!("      {difference}");
        }
        Ok(())
    });
    Ok(())
}
