//! The texts of the mails. A mail is written when it is sent, from the rows that it is about.

use diesel::prelude::*;
use mailglass::Delivery;

use crate::models::{Customer, Order};
use crate::schema::{customers, orders};

/// The kind of the mail that confirms an order.
pub const ORDER_CONFIRMATION: &str = "order_confirmation";

/// A mail that is ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
}

/// Writes the mail of a delivery. `None` if it is about nothing: its order is gone, or it is of an unknown kind.
///
/// # Errors
/// If the database fails.
pub fn write(conn: &mut PgConnection, delivery: &Delivery) -> QueryResult<Option<Mail>> {
    if delivery.mailable != ORDER_CONFIRMATION {
        return Ok(None);
    }
    let found: Option<(Order, Customer)> = orders::table
        .inner_join(customers::table)
        .filter(orders::delivery_id.eq(delivery.id))
        .select((Order::as_select(), Customer::as_select()))
        .first(conn)
        .optional()?;
    Ok(found.map(|(order, customer)| Mail {
        subject: format!("Your order {}", order.id),
        text: format!(
            "Dear {},\n\nthank you for your order: {}, {}.\n",
            customer.name,
            order.item,
            order.price()
        ),
    }))
}
