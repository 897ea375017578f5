//! What verifying and normalizing costs beside parsing the same bytes: `cargo bench -p mailglass-webhooks`.
//!
//! A request of SendGrid with 1,000 events. The sides take turns, so that a slower moment of the machine slows both.

#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use chrono::Utc;
use mailglass_webhooks::{Provider, Received, Request, Webhook, sendgrid};
use serde_json::{Value, json};

const EVENTS: usize = 1_000;
const ROUNDS: usize = 60;

/// An event in the shape of real ones, of about 600 bytes.
fn event(index: usize) -> Value {
    let kind = ["processed", "delivered", "open", "click", "deferred"][index % 5];
    json!({
        "email": format!("person{index}@example.com"),
        "timestamp": 1_795_000_000 + index,
        "smtp-id": format!("<14c5d75ce{index:04}.dfd.64b469@geopod-ismtpd-1>"),
        "event": kind,
        "category": ["welcome", "onboarding"],
        "sg_event_id": format!("ZGVsaXZlcmVkLTE0YzVkNzVjZTkz{index:08}"),
        "sg_message_id": format!("14c5d75ce{index:04}.recvd-57c8b8d7b4-9m2xk-1-69A54FA5-1A.0"),
        "response": "250 2.0.0 OK 1772445607 d2e1a72fcca58-73424a1d7e1si1234567b3a.42 - gsmtp",
        "useragent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.7.0",
        "ip": "192.0.2.17",
        "url": "https://shop.example.com/orders/4711?utm_source=mail",
        "mailglass_delivery_id": "0193f0a2-7c4e-7d1a-9c39-0a1b2c3d4e5f",
        "attempt": "1"
    })
}

fn main() {
    let body = Value::from((0..EVENTS).map(event).collect::<Vec<_>>())
        .to_string()
        .into_bytes();
    let (private_key, public_key) = (
        include_str!("../tests/keys/sendgrid_1.pem"),
        include_str!("../tests/keys/sendgrid_1.pub"),
    );
    let sample = Provider::SendGrid.sign(private_key, "", &body, Utc::now()).unwrap();
    let webhook = Webhook::new("acme", sendgrid::PublicKeys::new([public_key]).unwrap());

    let parse = || drop(black_box(serde_json::from_slice::<Value>(black_box(&body)).unwrap()));
    let verify = || assert!(webhook.verify(&sample.request(), Utc::now()).is_ok());
    let normalize = || {
        let request = Request::new(black_box(&body));
        let received = Provider::SendGrid
            .assume_verified("acme", &request)
            .normalize()
            .unwrap();
        assert!(received.iter().all(|received| matches!(received, Received::Report(_))));
        drop(black_box(received));
    };
    let receive = || drop(black_box(webhook.receive(&sample.request()).unwrap()));
    let sides: [(&str, &dyn Fn()); 4] = [
        ("serde_json", &parse),
        ("verify", &verify),
        ("normalize", &normalize),
        ("receive", &receive),
    ];

    let mut times = vec![Vec::new(); sides.len()];
    for _ in 0..ROUNDS {
        for ((_, side), times) in sides.iter().zip(&mut times) {
            let start = Instant::now();
            side();
            times.push(start.elapsed());
        }
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    let medians: Vec<Duration> = times.iter_mut().map(median).collect();
    println!("{EVENTS} events, {} bytes, median of {ROUNDS} rounds", body.len());
    for ((name, _), time) in sides.iter().zip(&medians) {
        let (per_event, ratio) = (
            time.as_nanos() / EVENTS as u128,
            time.as_secs_f64() / medians[0].as_secs_f64(),
        );
        println!("{name:12} {per_event:6} ns per event   {ratio:5.2} × serde_json");
    }
}
