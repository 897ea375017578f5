// An application with its own table.

use diesel::prelude::*;

diesel::table! {
    orders (id) {
        id -> Uuid,
        customer -> Text,
        placed_at -> Timestamptz,
        details -> Jsonb,
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = orders)]
pub struct Order {
    pub id: uuid::Uuid,
    pub customer: String,
    pub placed_at: chrono::DateTime<chrono::Utc>,
    pub details: serde_json::Value,
}

pub fn place(conn: &mut PgConnection, order: &Order) -> QueryResult<usize> {
    diesel::insert_into(orders::table).values(order).execute(conn)
}

pub fn of_customer(conn: &mut PgConnection, customer: &str) -> QueryResult<Vec<Order>> {
    orders::table
        .filter(orders::customer.eq(customer))
        .order(orders::placed_at.desc())
        .select(Order::as_select())
        .load(conn)
}
