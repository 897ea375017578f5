//! The shop with a throwaway PostgreSQL and a fake provider: `cargo run -p shop`.

use std::time::{Duration, Instant};
use std::{env, process, thread};

use diesel::prelude::*;
use fake_provider::{Endpoint, Fate, Faults, Provider};
use mailglass::reconciler::{SweepOptions, sweep};
use mailglass::suppressions::SuppressionRules;
use mailglass::tenancy::Tenants;
use mailglass::{Delivery, DeliveryStatus, outbox};
use scratch_postgres::Server;
use shop::mailer::Mailer;
use shop::models::{Customer, Order};
use shop::web::Web;
use shop::{Failure, TENANT, database, orders};

const SECRET: &str = "shared secret of the demonstration";

/// The fake provider reads the fate of a mail from its address.
const CUSTOMERS: [(&str, &str); 6] = [
    ("Ann Archer", "ann@example.com"),
    ("Bob <Baker> & Söhne", "bob@example.org"),
    ("Nora Nobody", "nobody@example.com"),
    ("Fay Full", "full@example.com"),
    ("Angus Angry", "angry@example.com"),
    ("Rita Refused", "refused@example.com"),
];

const ITEMS: [(&str, i64); 3] = [("a kettle", 3_490), ("two cups", 1_250), ("tea, 250 g", 899)];

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => run(false),
        ["--self-check"] => run(true),
        _ => Err("usage: shop [--self-check]".into()),
    };
    if let Err(error) = done {
        eprintln!("{error}");
        process::exit(1);
    }
}

fn run(is_self_check: bool) -> Result<(), Failure> {
    let server = Server::start()?;
    let database = server.database()?;
    let mut conn = PgConnection::establish(database.url())?;
    database::migrate(&mut conn)?;

    let pool = database::pool(database.url())?;
    let web = Web::start("127.0.0.1:0", &pool, SECRET)?;
    let faults = Faults {
        unavailable_before: 20,
        early_webhooks: 30,
        repeated_webhooks: 30,
        webhook_delay: Duration::from_millis(500),
        ..Faults::default()
    };
    let endpoint = Endpoint {
        url: format!("{}/webhooks/fake", web.url()),
        secret: SECRET.to_owned(),
    };
    // With this seed one of the first requests fails, and its retry does not.
    let provider = Provider::start(14, faults, Some(endpoint))?;
    let _mailer = Mailer::start(database.url(), shop::provider::Provider::new(provider.url()));

    let mut customers = Vec::new();
    for (name, email) in CUSTOMERS {
        customers.push(orders::register(&mut conn, name, email)?);
    }
    let mut placed = Vec::new();
    for number in 0..2 * CUSTOMERS.len() {
        placed.push(place(&mut conn, &customers, number)?);
    }
    println!("{} orders are placed. Their mails are being sent.", placed.len());
    println!("PostgreSQL {}: {}", server.version(), database.url());
    println!("The orders:    {}/admin", web.url());
    if let Some(delivery) = placed.first().and_then(|order| order.delivery_id) {
        println!("A mail:        {}/admin/deliveries/{delivery}", web.url());
    }
    if is_self_check {
        return check(&mut conn, &provider, &web, &customers, &placed);
    }
    println!("Another order is placed every 5 seconds. Stop with Ctrl-C.");
    for number in placed.len().. {
        thread::sleep(Duration::from_secs(5));
        place(&mut conn, &customers, number)?;
        // Links the webhooks that arrived before their delivery. `mailglass reconcile` does the same as a service.
        let options = SweepOptions {
            suppress: Some(SuppressionRules::default()),
            ..SweepOptions::of_tenant(TENANT)
        };
        sweep(&mut conn, &options)?;
    }
    Ok(())
}

fn place(conn: &mut PgConnection, customers: &[Customer], number: usize) -> Result<Order, Failure> {
    let (item, cents) = ITEMS[number % ITEMS.len()];
    Ok(orders::place(conn, &customers[number % customers.len()], item, cents)?)
}

/// Waits until all mails are sent and reported, and compares the pages with what became of them.
fn check(
    conn: &mut PgConnection,
    provider: &Provider,
    web: &Web,
    customers: &[Customer],
    placed: &[Order],
) -> Result<(), Failure> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !outbox::status(conn, &Tenants::Only(TENANT.to_owned()))?.is_empty() {
        if Instant::now() > deadline {
            return Err("the outbox is not empty after a minute".into());
        }
        thread::sleep(Duration::from_millis(50));
    }
    if !provider.finish_webhooks(Duration::from_secs(30)) {
        return Err("the webhooks are not recorded after half a minute".into());
    }
    for order in placed {
        let delivery = mail_of(conn, order)?;
        if !delivery.terminal {
            return Err(format!("the mail of order {} did not end: {}", order.id, delivery.status).into());
        }
    }

    // From now on the addresses that bounced hard are suppressed.
    for customer in customers {
        let order = orders::place(conn, customer, "one more cup", 625)?;
        let is_suppressed = mail_of(conn, &order)?.status == DeliveryStatus::Suppressed;
        if is_suppressed != (Fate::of(&customer.email) == Fate::HardBounce) {
            return Err(format!("the address of {} is suppressed: {is_suppressed}", customer.name).into());
        }
    }

    let orders = get(&format!("{}/admin", web.url()))?;
    for text in [
        "Bob &lt;Baker&gt; &amp; Söhne",
        "delivered",
        "bounced",
        "reported as spam",
        "failed",
        "not sent: the address does not work",
    ] {
        if !orders.contains(text) {
            return Err(format!("the page of the orders lacks `{text}`").into());
        }
    }
    let mail = mail_of(conn, placed.first().ok_or("there is no order")?)?.id;
    let page = get(&format!("{}/admin/deliveries/{mail}", web.url()))?;
    if !page.contains("Why it has this status") {
        return Err("the page of a mail lacks the reasons of its status".into());
    }
    println!(
        "Checked: all {} mails ended, the address that bounced gets no more mail, and the pages show it.",
        placed.len()
    );
    Ok(())
}

fn mail_of(conn: &mut PgConnection, order: &Order) -> Result<Delivery, Failure> {
    let id = order.delivery_id.ok_or("an order has no mail")?;
    Ok(Delivery::find(conn, TENANT, id)?)
}

fn get(url: &str) -> Result<String, Failure> {
    let config = ureq::Agent::config_builder().proxy(None).build();
    Ok(ureq::Agent::from(config).get(url).call()?.body_mut().read_to_string()?)
}
