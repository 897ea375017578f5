//! The tests of the shop. Each has a database of its own on one throwaway server, and most have a provider.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that can't continue panics"
)]

use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use chrono::Utc;
use diesel::prelude::*;
use fake_provider::{Endpoint, Faults, Provider};
use mailglass::outbox;
use mailglass::schema::{mailglass_deliveries, mailglass_events};
use mailglass::{Delivery, DeliveryStatus, EventType};
use scratch_postgres::{Database, Server, Template};
use serde_json::{Value, json};
use shop::models::{Customer, Order};
use shop::schema::orders;
use shop::web::Web;
use shop::{TENANT, database, mailer};
use uuid::Uuid;

const SECRET: &str = "secret of the tests";

/// One server for all tests, with one template that has the tables.
static SERVER: LazyLock<(Server, Template)> = LazyLock::new(|| {
    let server = Server::from_env_or_start().expect("the server should start");
    let template = server
        .template(|url| {
            let mut conn = PgConnection::establish(url)?;
            database::migrate(&mut conn)
        })
        .expect("the template should be migrated");
    (server, template)
});

/// A shop with a database of its own. The order of the fields is the order in which they end.
struct Shop {
    provider: Provider,
    web: Web,
    conn: PgConnection,
    database: Database,
}

impl Shop {
    fn open(faults: Faults) -> Shop {
        let database = SERVER
            .0
            .database_from(&SERVER.1)
            .expect("the template should be copied");
        let pool = database::pool(database.url()).unwrap();
        let web = Web::start("127.0.0.1:0", &pool, SECRET).unwrap();
        let endpoint = Endpoint {
            url: format!("{}/webhooks/fake", web.url()),
            secret: SECRET.to_owned(),
        };
        Shop {
            provider: Provider::start(1, faults, Some(endpoint)).unwrap(),
            web,
            conn: PgConnection::establish(database.url()).unwrap(),
            database,
        }
    }

    fn customer(&mut self, name: &str, email: &str) -> Customer {
        shop::orders::register(&mut self.conn, name, email).unwrap()
    }

    fn order_of(&mut self, email: &str) -> Order {
        let customer = self.customer("Ann", email);
        shop::orders::place(&mut self.conn, &customer, "a kettle", 3_490).unwrap()
    }

    /// Sends what is due, and records what the provider reports about it.
    fn send(&mut self) -> usize {
        let provider = shop::provider::Provider::new(self.provider.url());
        let claimed = mailer::send_due(&mut self.conn, &provider, &mailer::options()).unwrap();
        assert!(self.provider.finish_webhooks(Duration::from_secs(30)));
        claimed
    }

    fn mail(&mut self, order: &Order) -> Delivery {
        Delivery::find(&mut self.conn, TENANT, order.delivery_id.unwrap()).unwrap()
    }

    fn count_of(&mut self, event_type: EventType) -> i64 {
        mailglass_events::table
            .filter(mailglass_events::type_.eq(event_type))
            .count()
            .get_result(&mut self.conn)
            .unwrap()
    }

    /// Posts a webhook and returns the status of the answer.
    fn post(&self, secret: &str, body: &str) -> u16 {
        let answer = agent()
            .post(format!("{}/webhooks/fake", self.web.url()))
            .header("Webhook-Secret", secret)
            .send(body);
        answer.unwrap().status().as_u16()
    }

    /// Reads a page, and returns it with the status of the answer.
    fn get(&self, path: &str) -> (u16, String) {
        let mut answer = agent().get(format!("{}{path}", self.web.url())).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false)
        .build()
        .into()
}

/// A report of the provider about a delivery.
fn delivered(delivery: Uuid) -> Value {
    json!({
        "id": "delivered-1",
        "event": "delivered",
        "message_id": "1",
        "recipient": "ann@example.com",
        "time": Utc::now().to_rfc3339(),
        "arguments": { "delivery": delivery },
    })
}

#[test]
fn an_order_whose_address_is_invalid_is_not_kept_and_has_no_mail() {
    let mut shop = Shop::open(Faults::default());
    let customer = shop.customer("Ann", "ann at example.com");
    let error = shop::orders::place(&mut shop.conn, &customer, "a kettle", 3_490).unwrap_err();
    assert!(error.is_invalid());
    assert_eq!(orders::table.count().get_result(&mut shop.conn), Ok(0));
    assert_eq!(mailglass_deliveries::table.count().get_result(&mut shop.conn), Ok(0));
}

#[test]
fn a_mail_is_not_sent_before_its_order_is_committed() {
    let mut shop = Shop::open(Faults::default());
    let customer = shop.customer("Ann", "ann@example.com");
    let mut mailer = PgConnection::establish(shop.database.url()).unwrap();
    shop.conn.test_transaction::<_, mailglass::Error, _>(|conn| {
        shop::orders::place(conn, &customer, "a kettle", 3_490)?;
        assert_eq!(outbox::claim(&mut mailer, &mailer::options())?, []);
        Ok(())
    });
    // It was rolled back.
    assert_eq!(shop.send(), 0);
}

#[test]
fn a_confirmation_that_is_requested_again_is_the_same_mail() {
    let mut shop = Shop::open(Faults::default());
    let customer = shop.customer("Ann", "ann@example.com");
    let order = shop::orders::place(&mut shop.conn, &customer, "a kettle", 3_490).unwrap();
    let again = shop::orders::confirm(&mut shop.conn, &customer, &order).unwrap();
    assert_eq!(again.delivery_id, order.delivery_id);
    shop.send();
    shop::orders::confirm(&mut shop.conn, &customer, &order).unwrap();
    assert_eq!(shop.send(), 0);
    assert_eq!(shop.provider.books().messages.len(), 1);
}

#[test]
fn a_mail_is_sent_and_shows_what_the_provider_reports() {
    let mut shop = Shop::open(Faults::default());
    let ann = shop.order_of("ann@example.com");
    let nobody = shop.order_of("nobody@example.com");
    let angry = shop.order_of("angry@example.com");
    let refused = shop.order_of("refused@example.com");
    assert_eq!(shop.send(), 4);

    let mail = shop.mail(&ann);
    let messages = shop.provider.books().messages;
    let message = messages.iter().find(|message| message.to == "ann@example.com").unwrap();
    assert_eq!(message.idempotency_key, Some(mail.id.to_string()));
    assert_eq!(message.subject, format!("Your order {}", ann.id));
    assert_eq!(mail.provider_message_id.as_ref(), Some(&message.id));
    assert_eq!(mail.last_event_type, EventType::Delivered);

    assert_eq!(shop.mail(&nobody).last_event_type, EventType::Bounced);
    assert_eq!(shop.mail(&angry).last_event_type, EventType::Complained);
    assert_eq!(shop.mail(&refused).last_event_type, EventType::Failed);
    assert_eq!(shop.mail(&refused).last_error.unwrap()["status"], 422);
}

#[test]
fn a_mail_that_the_provider_does_not_accept_waits_for_its_retry() {
    let unavailable = Faults {
        unavailable_before: 100,
        ..Faults::default()
    };
    let mut shop = Shop::open(unavailable);
    let order = shop.order_of("ann@example.com");
    assert_eq!(shop.send(), 1);
    let mail = shop.mail(&order);
    assert_eq!(mail.status, DeliveryStatus::Queued);
    assert_eq!(mail.last_error.unwrap()["status"], 503);
    let queues = outbox::status(&mut shop.conn, &mailer::options().tenants).unwrap();
    assert_eq!(queues.iter().map(|queue| queue.scheduled + queue.due).sum::<i64>(), 1);
}

#[test]
fn a_mail_that_was_sent_by_a_process_that_died_is_not_sent_again() {
    let mut shop = Shop::open(Faults::default());
    let order = shop.order_of("ann@example.com");
    let provider = shop::provider::Provider::new(shop.provider.url());
    for claim in outbox::claim(&mut shop.conn, &mailer::options()).unwrap() {
        let mail = shop::mails::write(&mut shop.conn, claim.delivery()).unwrap().unwrap();
        let attempt = claim.begin(&mut shop.conn).unwrap();
        // The process dies after the provider's answer.
        provider.send(attempt.delivery(), &mail);
    }
    // As the end of the lease would.
    outbox::release(&mut shop.conn, TENANT, order.delivery_id.unwrap()).unwrap();
    assert!(shop.provider.finish_webhooks(Duration::from_secs(30)));
    shop.send();
    assert_eq!(shop.provider.books().messages.len(), 1);
    assert_eq!(shop.mail(&order).status, DeliveryStatus::Sent);
    assert_eq!(outbox::status(&mut shop.conn, &mailer::options().tenants).unwrap(), []);
}

#[test]
fn an_address_that_bounced_hard_gets_no_further_mail() {
    let mut shop = Shop::open(Faults::default());
    shop.order_of("nobody@example.com");
    shop.send();
    let next = shop.order_of("Nobody@Example.com");
    assert_eq!(shop.mail(&next).status, DeliveryStatus::Suppressed);
    assert_eq!(shop.send(), 0);
    assert_eq!(shop.provider.books().messages.len(), 1);
}

#[test]
fn a_mail_that_was_queued_before_the_bounce_is_not_sent_either() {
    let mut shop = Shop::open(Faults::default());
    let bounced = shop.order_of("nobody@example.com");
    let next = shop.order_of("nobody@example.com");
    let mut report = delivered(bounced.delivery_id.unwrap());
    report["event"] = "bounced".into();
    report["permanent"] = true.into();
    assert_eq!(shop.post(SECRET, &json!([report]).to_string()), 200);
    assert_eq!(shop.send(), 0);
    assert_eq!(shop.mail(&next).status, DeliveryStatus::Suppressed);
}

#[test]
fn after_a_soft_bounce_or_a_complaint_orders_are_still_confirmed() {
    let mut shop = Shop::open(Faults::default());
    for address in ["full@example.com", "angry@example.com"] {
        shop.order_of(address);
        assert_eq!(shop.send(), 1);
        shop.order_of(address);
        assert_eq!(shop.send(), 1, "{address}");
    }
}

#[test]
fn a_webhook_without_the_secret_is_refused_and_writes_nothing() {
    let mut shop = Shop::open(Faults::default());
    let order = shop.order_of("ann@example.com");
    let body = json!([delivered(order.delivery_id.unwrap())]).to_string();
    for wrong in ["", "secret of the test", "secret of the tests1", "Secret of the tests"] {
        assert_eq!(shop.post(wrong, &body), 401, "{wrong:?}");
    }
    assert_eq!(shop.count_of(EventType::Delivered), 0);
}

#[test]
fn a_webhook_that_arrives_twice_is_recorded_once() {
    let mut shop = Shop::open(Faults::default());
    let order = shop.order_of("ann@example.com");
    let event = delivered(order.delivery_id.unwrap());
    let body = json!([event, event]).to_string();
    for _ in 0..2 {
        assert_eq!(shop.post(SECRET, &body), 200);
    }
    assert_eq!(shop.count_of(EventType::Delivered), 1);
    assert_eq!(shop.mail(&order).last_event_type, EventType::Delivered);
}

#[test]
fn a_webhook_that_is_malformed_is_refused_and_writes_nothing() {
    let mut shop = Shop::open(Faults::default());
    let order = shop.order_of("ann@example.com");
    let good = delivered(order.delivery_id.unwrap());
    let mut without_id = good.clone();
    without_id["id"] = Value::Null;
    let mut without_address = good.clone();
    without_address["recipient"] = "ann@".into();
    for body in [
        "".to_owned(),
        "{}".to_owned(),
        json!([good, without_id]).to_string(),
        json!([good, without_address]).to_string(),
    ] {
        assert_eq!(shop.post(SECRET, &body), 400, "{body}");
    }
    assert_eq!(shop.count_of(EventType::Delivered), 0);
}

#[test]
fn the_pages_escape_what_customers_type() {
    let mut shop = Shop::open(Faults::default());
    let customer = shop.customer("<script>alert('1')</script> & \"Co\"", "ann@example.com");
    shop::orders::place(&mut shop.conn, &customer, "<b>tea</b>", 899).unwrap();
    let (status, page) = shop.get("/admin");
    assert_eq!(status, 200);
    assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;Co&quot;"));
    assert!(page.contains("&lt;b&gt;tea&lt;/b&gt;"));
    assert!(!page.contains("<script") && !page.contains("<b>"));
}

#[test]
fn the_page_of_a_mail_says_why_it_bounced() {
    let mut shop = Shop::open(Faults::default());
    let order = shop.order_of("nobody@example.com");
    shop.send();
    let (status, page) = shop.get(&format!("/admin/deliveries/{}", order.delivery_id.unwrap()));
    assert_eq!(status, 200);
    assert!(page.contains("550 5.1.1 &lt;nobody@example.com&gt;: no such user"));
    assert!(page.contains("<td>bounced_at</td>"));
}

#[test]
fn other_paths_and_other_deliveries_are_not_found() {
    let shop = Shop::open(Faults::default());
    for path in [
        "/",
        "/admin/",
        "/admin/deliveries/1",
        &format!("/admin/deliveries/{}", Uuid::nil()),
        "/webhooks/fake",
    ] {
        assert_eq!(shop.get(path).0, 404, "{path}");
    }
}

#[test]
fn the_demonstration_checks_itself() {
    let run = Command::new(env!("CARGO_BIN_EXE_shop"))
        .arg("--self-check")
        .output()
        .expect("the shop should run");
    println!("{}", String::from_utf8_lossy(&run.stdout));
    eprintln!("{}", String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{}", run.status);
}
