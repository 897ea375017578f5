//! The rows of our own tables.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use uuid::Uuid;

use crate::schema::{customers, orders};

/// A customer.
#[derive(Clone, Debug, Queryable, Selectable, Identifiable)]
#[diesel(table_name = customers, check_for_backend(Pg))]
pub struct Customer {
    /// The number of the customer.
    pub id: i64,
    /// The name, as the customer typed it.
    pub name: String,
    /// Where mail goes.
    pub email: String,
}

/// An order.
#[derive(Clone, Debug, Queryable, Selectable, Identifiable, Associations)]
#[diesel(table_name = orders, belongs_to(Customer), check_for_backend(Pg))]
pub struct Order {
    /// The number of the order.
    pub id: i64,
    /// Who ordered.
    pub customer_id: i64,
    /// What was ordered.
    pub item: String,
    /// The price.
    pub cents: i64,
    /// The confirmation mail.
    pub delivery_id: Option<Uuid>,
    /// When it was ordered.
    pub placed_at: DateTime<Utc>,
}

impl Order {
    /// The price as text.
    pub fn price(&self) -> String {
        format!("€\u{a0}{}.{:02}", self.cents / 100, self.cents % 100)
    }
}
