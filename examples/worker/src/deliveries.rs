//! The deliveries: of two tenants, in three streams, to recipients with different fates.

use diesel::prelude::*;
use mailglass::schema::mailglass_deliveries;
use mailglass::{NewDelivery, Stream};

use crate::Failure;

pub(crate) const ACME: &str = "acme";
pub(crate) const GLOBEX: &str = "globex";
pub(crate) const TENANTS: [&str; 2] = [ACME, GLOBEX];

/// Inserts the deliveries, which are due at once.
pub(crate) fn insert(conn: &mut PgConnection, count: usize) -> Result<(), Failure> {
    let deliveries: Vec<NewDelivery> = (0..count).map(new).collect();
    for batch in deliveries.chunks(mailglass::MAX_BATCH) {
        NewDelivery::insert_all(conn, batch)?;
    }
    Ok(())
}

fn new(number: usize) -> NewDelivery {
    // Bulk first, so that one sees that transactional mail overtakes it.
    let (stream, mailable) = match number % 3 {
        0 => (Stream::Bulk, "newsletter"),
        1 => (Stream::Operational, "report"),
        _ => (Stream::Transactional, "receipt"),
    };
    // The fake provider reads the fate of a message from its recipient.
    let fate = match number % 40 {
        7 => "nobody",
        18 => "full",
        27 => "angry",
        38 => "refused",
        _ => "customer",
    };
    NewDelivery::new(
        if number.is_multiple_of(2) { GLOBEX } else { ACME },
        mailable,
        stream,
        format!("{fate}+{number}@example.com"),
    )
    .tenant_idempotency_key(format!("{mailable}:{number}"))
    .send()
}

/// How many deliveries the provider has reported although no worker has: the worker had no answer, or was killed.
pub(crate) fn resolved(conn: &mut PgConnection) -> Result<usize, Failure> {
    let resolved: i64 = mailglass_deliveries::table
        .filter(mailglass_deliveries::dispatched_at.is_null())
        .filter(
            mailglass_deliveries::delivered_at
                .is_not_null()
                .or(mailglass_deliveries::bounced_at.is_not_null()),
        )
        .count()
        .get_result(conn)?;
    Ok(resolved.try_into()?)
}
