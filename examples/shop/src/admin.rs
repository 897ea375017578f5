//! The read-only pages for the staff: the orders with the status of their mail, and why a mail has its status.
//!
//! They show addresses, so an application puts them behind its login.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use mailglass::outbox;
use mailglass::schema::mailglass_deliveries;
use mailglass::tenancy::Tenants;
use mailglass::{Delivery, EventType};
use uuid::Uuid;

use crate::TENANT;
use crate::html::Html;
use crate::models::{Customer, Order};
use crate::schema::{customers, orders};

const LAST_ORDERS: i64 = 100;

/// The page of the last orders.
///
/// # Errors
/// If the database fails.
pub fn orders(conn: &mut PgConnection) -> mailglass::Result<String> {
    let rows: Vec<(Order, Customer, Option<Delivery>)> = orders::table
        .inner_join(customers::table)
        .left_join(mailglass_deliveries::table)
        .order(orders::id.desc())
        .limit(LAST_ORDERS)
        .select((
            Order::as_select(),
            Customer::as_select(),
            Option::<Delivery>::as_select(),
        ))
        .load(conn)?;

    let mut html = Html::new();
    begin(&mut html, "Orders");
    html.markup("<p>Outbox: ");
    let queues = outbox::status(conn, &Tenants::Only(TENANT.to_owned()))?;
    if queues.is_empty() {
        html.markup("empty.");
    }
    for queue in queues {
        html.text(format!(
            "{}: {} due, {} scheduled, {} being sent, {} held. ",
            queue.stream, queue.due, queue.scheduled, queue.leased, queue.held
        ));
    }
    html.markup("</p><table><tr><th>Order<th>Placed<th>Customer<th>Item<th>Price<th>Mail<th>Last event</tr>");
    for (order, customer, delivery) in &rows {
        html.markup("<tr>").cell(order.id).cell(time(order.placed_at));
        html.markup("<td>")
            .text(&customer.name)
            .markup("<br><small>")
            .text(&customer.email)
            .markup("</small></td>");
        html.cell(&order.item).cell(order.price());
        match delivery {
            Some(delivery) => {
                html.markup("<td><a href=\"/admin/deliveries/")
                    .text(delivery.id)
                    .markup("\">");
                html.text(mail_status(delivery)).markup("</a></td>");
                html.cell(format!(
                    "{}, {}",
                    delivery.last_event_type,
                    time(delivery.last_event_at)
                ));
            }
            None => {
                html.markup("<td>–</td><td>–</td>");
            }
        }
        html.markup("</tr>");
    }
    html.markup("</table>");
    Ok(html.into_string())
}

/// The page of a delivery. `None` if there is none with this id.
///
/// # Errors
/// If the database fails.
pub fn delivery(conn: &mut PgConnection, id: Uuid) -> mailglass::Result<Option<String>> {
    let delivery = match Delivery::find(conn, TENANT, id) {
        Err(error) if error.is_not_found() => return Ok(None),
        found => found?,
    };
    let mut html = Html::new();
    begin(&mut html, "A mail");
    html.markup("<p><a href=\"/admin\">All orders</a></p><table>");
    for (name, value) in [
        ("Mail", Some(delivery.mailable.clone())),
        ("To", Some(delivery.recipient.clone())),
        ("Status", Some(mail_status(&delivery).to_owned())),
        ("Provider", delivery.provider.clone()),
        ("Message id", delivery.provider_message_id.clone()),
        (
            "Error of the last attempt",
            delivery.last_error.as_ref().map(ToString::to_string),
        ),
    ] {
        html.markup("<tr><th>")
            .text(name)
            .markup("</th>")
            .optional_cell(value)
            .markup("</tr>");
    }

    html.markup(
        "</table><h2>What happened</h2><table><tr><th>Time<th>Event<th>Reason<th>Answer of the mail server</tr>",
    );
    for event in delivery.timeline(conn)? {
        let details = event.details(conn)?;
        html.markup("<tr>").cell(time(event.occurred_at)).cell(event.type_);
        html.optional_cell(event.reject_reason)
            .optional_cell(details.mta_response)
            .markup("</tr>");
    }

    html.markup("</table><h2>Why it has this status</h2><table><tr><th>Column<th>Value<th>Because of</tr>");
    for decision in delivery.explain(conn)? {
        html.markup("<tr>").cell(decision.column).optional_cell(decision.found);
        let event = decision
            .event
            .map(|event| format!("{}, {}", event.type_, time(event.occurred_at)));
        html.optional_cell(event).markup("</tr>");
    }
    html.markup("</table>");
    Ok(Some(html.into_string()))
}

/// The status in the words of the shop.
fn mail_status(delivery: &Delivery) -> &'static str {
    if delivery.complained_at.is_some() {
        return "reported as spam";
    }
    match delivery.last_event_type {
        EventType::Queued if delivery.dispatched_at.is_none() => "waiting",
        EventType::Delivered => "delivered",
        EventType::Bounced => "bounced",
        EventType::Failed | EventType::Rejected => "failed",
        EventType::Suppressed => "not sent: the address is suppressed",
        EventType::Deferred => "delayed",
        _ => "sent",
    }
}

fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn begin(html: &mut Html, title: &'static str) {
    html.markup(
        "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"refresh\" content=\"5\"><style>\
         body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24 }\
         table { border-collapse: collapse; width: 100% } th, td { text-align: left; vertical-align: top; \
         padding: .4rem .8rem; border-bottom: 1px solid #d8dee4 } small { color: #57606a }\
         </style><title>",
    );
    html.markup(title).markup("</title><h1>").markup(title).markup("</h1>");
}
