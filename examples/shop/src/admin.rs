//! The read-only pages for the staff: the orders with the status of their mail, and why a mail has its status.
//!
//! They show addresses, so an application puts them behind its login.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use mailglass::outbox;
use mailglass::schema::mailglass_deliveries;
use mailglass::tenancy::Tenants;
use mailglass::{Delivery, DeliveryStatus};
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

    let mut html = page("Orders");
    html.markup("<p>Outbox: ");
    let queues = outbox::status(conn, &Tenants::Only(TENANT.to_owned()))?;
    if queues.is_empty() {
        html.markup("empty.");
    }
    for queue in queues {
        let (waiting, sending) = (queue.due + queue.scheduled, queue.leased);
        html.text(format!("{waiting} waiting, {sending} being sent, {} held.", queue.held));
    }
    html.markup(
        "</p><table><tr><th>Order<th>Placed (UTC)<th>Customer<th>Item<th>Price<th>Mail<th>Last event (UTC)</tr>",
    );
    for (order, customer, delivery) in &rows {
        html.markup("<tr>").cell(order.id).cell(time(order.placed_at));
        html.markup("<td>").text(&customer.name);
        html.markup("<br><small>").text(&customer.email).markup("</small></td>");
        html.cell(&order.item).cell(order.price());
        match delivery {
            Some(delivery) => {
                html.markup("<td><a href=\"/admin/deliveries/")
                    .text(delivery.id)
                    .markup("\">");
                mail_status(&mut html, delivery).markup("</a></td>");
                html.cell(format!(
                    "{}, {}",
                    delivery.last_event_type,
                    time(delivery.last_event_at)
                ));
            }
            None => drop(html.markup("<td>–</td><td>–</td>")),
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
    let mut html = page("A mail");
    html.markup("<p><a href=\"/admin\">All orders</a></p><table class=\"facts\"><tr><th>Status</th><td>");
    mail_status(&mut html, &delivery).markup("</td></tr>");
    let last_error = delivery.last_error.as_ref().map(ToString::to_string);
    for (name, value) in [
        ("Kind", Some(&delivery.mailable)),
        ("To", Some(&delivery.recipient)),
        ("Provider", delivery.provider.as_ref()),
        ("Message id", delivery.provider_message_id.as_ref()),
        ("Error of the last attempt", last_error.as_ref()),
    ] {
        html.markup("<tr><th>").text(name).markup("</th>");
        html.optional_cell(value).markup("</tr>");
    }

    html.markup("</table><h2>What happened</h2><table>");
    html.markup("<tr><th>Time (UTC)<th>Event<th>Said by<th>Reason<th>Answer of the recipient's server</tr>");
    for event in delivery.timeline(conn)? {
        let details = event.details(conn)?;
        // Only the events of webhooks have a key.
        let is_reported = event.idempotency_key.is_some();
        html.markup("<tr>").cell(time(event.occurred_at)).cell(event.type_);
        html.cell(if is_reported { "the provider" } else { "the shop" });
        html.optional_cell(event.reject_reason);
        html.optional_cell(details.mta_response).markup("</tr>");
    }

    html.markup("</table><h2>Why it has this status</h2><table>");
    html.markup("<tr><th>Column<th>Value<th>Because of</tr>");
    for decision in delivery.explain(conn)? {
        let event = decision
            .event
            .map(|event| format!("{}, {}", event.type_, time(event.occurred_at)));
        html.markup("<tr>").cell(decision.column);
        html.optional_cell(decision.found).optional_cell(event).markup("</tr>");
    }
    html.markup("</table>");
    Ok(Some(html.into_string()))
}

/// Adds the status of a mail in the words of the shop.
fn mail_status<'a>(html: &'a mut Html, delivery: &Delivery) -> &'a mut Html {
    html.markup(if delivery.suppressed_at.is_some() {
        "<span class=\"bad\">not sent: the address does not work</span>"
    } else if delivery.complained_at.is_some() {
        "<span class=\"bad\">reported as spam</span>"
    } else if delivery.bounced_at.is_some() {
        "<span class=\"bad\">bounced</span>"
    } else if delivery.status == DeliveryStatus::Failed {
        "<span class=\"bad\">failed</span>"
    } else if delivery.delivered_at.is_some() {
        "<span class=\"good\">delivered</span>"
    } else if delivery.status == DeliveryStatus::Queued {
        "<span>waiting</span>"
    } else {
        "<span>sent</span>"
    })
}

fn time(time: DateTime<Utc>) -> String {
    time.format("%d %b %Y, %H:%M:%S").to_string()
}

/// The beginning of a page.
fn page(title: &'static str) -> Html {
    let mut html = Html::new();
    html.markup(
        "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"refresh\" content=\"5\"><style>\
         body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24 }\
         table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }\
         th, td { text-align: left; vertical-align: top; padding: .4rem .8rem; border-bottom: 1px solid #d8dee4 }\
         td { overflow-wrap: break-word } .facts th { width: 14rem } small { color: #57606a } a { color: inherit }\
         span { border-radius: 1em; padding: .1em .7em; background: #eaeef2; white-space: nowrap }\
         .good { background: #d2f4d9 } .bad { background: #ffdcd8 }\
         </style><title>",
    );
    html.markup(title).markup("</title><h1>").markup(title).markup("</h1>");
    html
}
