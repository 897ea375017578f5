//! Orders, each with its confirmation mail.

use diesel::prelude::*;
use mailglass::suppressions::Suppress;
use mailglass::{NewDelivery, Stream};

use crate::TENANT;
use crate::mails::ORDER_CONFIRMATION;
use crate::models::{Customer, Order};
use crate::schema::{customers, orders};

/// Adds a customer.
///
/// # Errors
/// If the database fails.
pub fn register(conn: &mut PgConnection, name: &str, email: &str) -> QueryResult<Customer> {
    diesel::insert_into(customers::table)
        .values((customers::name.eq(name), customers::email.eq(email)))
        .returning(Customer::as_returning())
        .get_result(conn)
}

/// Places an order and queues its confirmation mail, in one transaction: there is never one without the other.
///
/// Nothing is sent here. The mailer claims the delivery as soon as the transaction is committed.
///
/// # Errors
/// If the customer's address is not one, or the database fails. Neither the order nor the mail is kept.
pub fn place(conn: &mut PgConnection, customer: &Customer, item: &str, cents: i64) -> mailglass::Result<Order> {
    conn.transaction(|conn| {
        let order = diesel::insert_into(orders::table)
            .values((
                orders::customer_id.eq(customer.id),
                orders::item.eq(item),
                orders::cents.eq(cents),
            ))
            .returning(Order::as_returning())
            .get_result(conn)?;
        confirm(conn, customer, &order)
    })
}

/// Queues the confirmation mail of an order. The key has the number of the order, so a second call changes nothing.
///
/// # Errors
/// As [`place`].
pub fn confirm(conn: &mut PgConnection, customer: &Customer, order: &Order) -> mailglass::Result<Order> {
    conn.transaction(|conn| {
        let delivery = NewDelivery::new(TENANT, ORDER_CONFIRMATION, Stream::Transactional, &customer.email)
            .tenant_idempotency_key(format!("{ORDER_CONFIRMATION}:{}", order.id))
            // Not to an address that does not work. Who complained still gets a confirmation, because it is transactional.
            .suppress(Suppress::ByStream)
            .send()
            .insert(conn)?
            .into_delivery();
        let order = diesel::update(orders::table.find(order.id))
            .set(orders::delivery_id.eq(delivery.id))
            .returning(Order::as_returning())
            .get_result(conn)?;
        Ok(order)
    })
}
