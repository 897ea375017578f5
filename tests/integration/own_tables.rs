//! An application's own tables in queries with ours. The integration tests are a crate of their own, so Rust's orphan rule
//! applies to `mailglass::joinable!` as it does in an application.

use diesel::connection::SimpleConnection;
use diesel::dsl::{count, exists};
use diesel::prelude::*;
use mailglass::projection::rebuild;
use mailglass::schema::{mailglass_deliveries, mailglass_event_links, mailglass_events};
use mailglass::{Delivery, DeliveryStatus, Event, EventType};
use uuid::Uuid;

use crate::support::{Database, TENANT, connected, event, insert, record_one, to};

diesel::table! {
    orders (id) {
        id -> Integer,
        customer -> Text,
        delivery_id -> Uuid,
    }
}

diesel::table! {
    webhooks (id) {
        id -> Integer,
        event_id -> Uuid,
    }
}

// Joinable with two of our tables, by nullable foreign keys.
diesel::table! {
    tickets (id) {
        id -> Integer,
        delivery_id -> Nullable<Uuid>,
        event_id -> Nullable<Uuid>,
    }
}

mailglass::joinable!(orders -> mailglass_deliveries (delivery_id));
mailglass::joinable!(webhooks -> mailglass_events (event_id));
mailglass::joinable!(tickets -> mailglass_deliveries (delivery_id));
mailglass::joinable!(tickets -> mailglass_events (event_id));
// Without a foreign key, for joins with an ON clause and for subselects.
mailglass::allow_tables_to_appear_in_same_query!(orders, mailglass_events);
mailglass::allow_tables_to_appear_in_same_query!(webhooks, mailglass_event_links);

diesel::allow_columns_to_appear_in_same_group_by_clause!(orders::customer, mailglass_deliveries::status);

/// Two deliveries, the first of which has an order, a webhook and a ticket. The second ticket references nothing.
struct Rows {
    // The order matters: the connection closes before its database is dropped.
    conn: PgConnection,
    _database: Database,
    ann: Delivery,
    bob: Delivery,
    opened: Event,
}

fn rows() -> Rows {
    let (database, mut conn) = connected();
    conn.batch_execute(
        "CREATE TABLE orders (
             id integer PRIMARY KEY, customer text NOT NULL, delivery_id uuid NOT NULL REFERENCES mailglass_deliveries
         );
         CREATE TABLE webhooks (id integer PRIMARY KEY, event_id uuid NOT NULL);
         CREATE TABLE tickets (id integer PRIMARY KEY, delivery_id uuid, event_id uuid)",
    )
    .unwrap();
    let ann = insert(&mut conn, &to("ann@example.com"));
    let bob = insert(&mut conn, &to("bob@example.com"));
    let opened = record_one(&mut conn, event(EventType::Opened, 5).delivery(ann.id));
    let ann = rebuild(&mut conn, TENANT, ann.id).unwrap();
    let order = (
        orders::id.eq(1),
        orders::customer.eq("Ann"),
        orders::delivery_id.eq(ann.id),
    );
    diesel::insert_into(orders::table)
        .values(order)
        .execute(&mut conn)
        .unwrap();
    let webhook = (webhooks::id.eq(1), webhooks::event_id.eq(opened.id));
    diesel::insert_into(webhooks::table)
        .values(webhook)
        .execute(&mut conn)
        .unwrap();
    let ticket = |id: i32, delivery: Option<Uuid>, event: Option<Uuid>| {
        (
            tickets::id.eq(id),
            tickets::delivery_id.eq(delivery),
            tickets::event_id.eq(event),
        )
    };
    let both = vec![ticket(1, Some(ann.id), Some(opened.id)), ticket(2, None, None)];
    diesel::insert_into(tickets::table)
        .values(both)
        .execute(&mut conn)
        .unwrap();
    Rows {
        conn,
        _database: database,
        ann,
        bob,
        opened,
    }
}

#[test]
fn an_own_table_can_be_inner_joined_with_deliveries() {
    let mut rows = rows();
    let conn = &mut rows.conn;
    let joined: Vec<(i32, Delivery)> = orders::table
        .inner_join(mailglass_deliveries::table)
        .filter(mailglass_deliveries::status.eq(DeliveryStatus::Sent))
        .select((orders::id, Delivery::as_select()))
        .load(conn)
        .unwrap();
    assert_eq!(joined, [(1, rows.ann)]);
}

#[test]
fn an_own_table_with_a_nullable_foreign_key_can_be_left_joined() {
    let mut rows = rows();
    let conn = &mut rows.conn;
    let joined: Vec<(i32, Option<Delivery>)> = tickets::table
        .left_join(mailglass_deliveries::table)
        .order(tickets::id)
        .select((tickets::id, Option::<Delivery>::as_select()))
        .load(conn)
        .unwrap();
    assert_eq!(joined, [(1, Some(rows.ann)), (2, None)]);
}

#[test]
fn deliveries_can_be_joined_with_an_own_table() {
    let mut rows = rows();
    let conn = &mut rows.conn;
    let inner: Vec<(Uuid, i32)> = mailglass_deliveries::table
        .inner_join(orders::table)
        .select((mailglass_deliveries::id, orders::id))
        .load(conn)
        .unwrap();
    assert_eq!(inner, [(rows.ann.id, 1)]);
    let left: Vec<(Uuid, Option<i32>)> = mailglass_deliveries::table
        .left_join(orders::table)
        .order(mailglass_deliveries::recipient)
        .select((mailglass_deliveries::id, orders::id.nullable()))
        .load(conn)
        .unwrap();
    assert_eq!(left, [(rows.ann.id, Some(1)), (rows.bob.id, None)]);
}

#[test]
fn an_own_table_can_be_joined_with_events() {
    let mut rows = rows();
    let conn = &mut rows.conn;
    let joined: Vec<(i32, Event)> = webhooks::table
        .inner_join(mailglass_events::table)
        .select((webhooks::id, Event::as_select()))
        .load(conn)
        .unwrap();
    assert_eq!(joined, [(1, rows.opened.clone())]);
    let from_events: Vec<i32> = mailglass_events::table
        .inner_join(webhooks::table)
        .filter(mailglass_events::id.eq(rows.opened.id))
        .select(webhooks::id)
        .load(conn)
        .unwrap();
    assert_eq!(from_events, [1]);
}

#[test]
fn one_own_table_can_be_joined_with_two_of_ours() {
    let mut rows = rows();
    let conn = &mut rows.conn;
    type Row = (i32, Option<Delivery>, Option<Event>);
    let joined: Vec<Row> = tickets::table
        .left_join(mailglass_deliveries::table)
        .left_join(mailglass_events::table)
        .order(tickets::id)
        .select((
            tickets::id,
            Option::<Delivery>::as_select(),
            Option::<Event>::as_select(),
        ))
        .load(conn)
        .unwrap();
    assert_eq!(joined, [(1, Some(rows.ann), Some(rows.opened)), (2, None, None)]);
}

#[test]
fn orders_deliveries_and_events_can_appear_in_one_query() {
    let mut rows = rows();
    let conn = &mut rows.conn;
    let of_delivery = mailglass_events::delivery_id.eq(mailglass_deliveries::id.nullable());
    let joined: Vec<(i32, Uuid, EventType)> = orders::table
        .inner_join(mailglass_deliveries::table)
        .inner_join(mailglass_events::table.on(of_delivery))
        .order(mailglass_events::occurred_at)
        .select((orders::id, mailglass_deliveries::id, mailglass_events::type_))
        .load(conn)
        .unwrap();
    assert_eq!(
        joined,
        [(1, rows.ann.id, EventType::Queued), (1, rows.ann.id, EventType::Opened)]
    );
}

#[test]
fn subselects_can_use_tables_of_both_sides() {
    let mut rows = rows();
    let conn = &mut rows.conn;
    let to_ann = mailglass_deliveries::table
        .filter(mailglass_deliveries::recipient.eq("ann@example.com"))
        .select(mailglass_deliveries::id);
    let of_ann: Vec<i32> = orders::table
        .filter(orders::delivery_id.eq_any(to_ann))
        .select(orders::id)
        .load(conn)
        .unwrap();
    assert_eq!(of_ann, [1]);

    let opened = mailglass_events::table
        .filter(mailglass_events::delivery_id.eq(orders::delivery_id.nullable()))
        .filter(mailglass_events::type_.eq(EventType::Opened));
    let opened: Vec<i32> = orders::table
        .filter(exists(opened))
        .select(orders::id)
        .load(conn)
        .unwrap();
    assert_eq!(opened, [1]);

    let order = orders::table.filter(orders::delivery_id.eq(mailglass_deliveries::id));
    let without_order: Vec<Uuid> = mailglass_deliveries::table
        .filter(diesel::dsl::not(exists(order)))
        .select(mailglass_deliveries::id)
        .load(conn)
        .unwrap();
    assert_eq!(without_order, [rows.bob.id]);

    let pending = mailglass_event_links::table
        .filter(mailglass_event_links::event_id.eq(webhooks::event_id))
        .filter(mailglass_event_links::linked_at.is_null());
    let pending: i64 = webhooks::table
        .filter(exists(pending))
        .count()
        .get_result(conn)
        .unwrap();
    assert_eq!(pending, 0);
}

#[test]
fn columns_of_both_sides_can_be_grouped() {
    let mut rows = rows();
    let conn = &mut rows.conn;
    let grouped: Vec<(String, DeliveryStatus, i64)> = orders::table
        .inner_join(mailglass_deliveries::table)
        .group_by((orders::customer, mailglass_deliveries::status))
        .select((orders::customer, mailglass_deliveries::status, count(orders::id)))
        .load(conn)
        .unwrap();
    assert_eq!(grouped, [("Ann".to_owned(), DeliveryStatus::Sent, 1)]);
}

/// A table with two foreign keys to deliveries needs an alias, as in Diesel.
#[test]
fn an_alias_of_deliveries_can_be_joined() {
    let mut rows = rows();
    let conn = &mut rows.conn;
    let delivery = diesel::alias!(mailglass_deliveries as delivery);
    let joined: Vec<(i32, Uuid)> = orders::table
        .inner_join(delivery.on(delivery.field(mailglass_deliveries::id).eq(orders::delivery_id)))
        .select((orders::id, delivery.field(mailglass_deliveries::id)))
        .load(conn)
        .unwrap();
    assert_eq!(joined, [(1, rows.ann.id)]);
}
