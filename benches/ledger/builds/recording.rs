
/// The calls of mailglass.
pub fn confirm(conn: &mut PgConnection, order: &Order) -> mailglass::Result<mailglass::Inserted> {
    mailglass::NewDelivery::new("shop", "order_confirmation", mailglass::Stream::Transactional, &order.customer)
        .idempotency_key(format!("shop:confirmation:{}", order.id))
        .insert(conn)
}

pub fn webhook(conn: &mut PgConnection, events: &[mailglass::NewEvent]) -> mailglass::Result<usize> {
    Ok(mailglass::ledger::record(conn, events)?.len())
}
