//! The deliveries: of two tenants, in three streams, to recipients with different fates.

use diesel::prelude::*;
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
        17 => "full",
        27 => "angry",
        37 => "refused",
        _ => "customer",
    };
    NewDelivery::new(
        // One tenant has three times as many as the other.
        if number.is_multiple_of(4) { GLOBEX } else { ACME },
        mailable,
        stream,
        format!("{fate}+{number}@example.com"),
    )
    .tenant_idempotency_key(format!("{mailable}:{number}"))
    .send()
}
