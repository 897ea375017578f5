//! The values of the webhooks' events and of their deliveries. `benches/peers` includes this file as well, and
//! `benches/peers/webhooks.py` has the same in Python.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

pub const TENANT: &str = "acme";
pub const PROVIDER: &str = "sendgrid";
pub const DELIVERIES: usize = 5_000;
pub const TYPES: [&str; 4] = ["sent", "delivered", "opened", "clicked"];

/// The delivery of an event, as a number below `deliveries`, in no order.
pub fn delivery(number: usize, deliveries: usize) -> usize {
    (mixed(number as u64 ^ 0x5555_5555) % deliveries as u64) as usize
}

pub fn delivery_id(delivery: usize) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + delivery as u128)
}

/// The provider's id of a delivery's message. Consecutive deliveries have distant ids. `growth.sql` has the same formula.
pub fn message_id(delivery: usize) -> String {
    format!("{:08x}.recvd-canary.0", delivery * 2_654_435_761 % (1 << 32))
}

pub fn occurred_at(number: usize) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(number as i64 % 1_000_000)
}

/// The provider's id of an event: 22 base62 digits, as SendGrid's `sg_event_id` has, in no order.
pub fn event_id(number: usize) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = u128::from(mixed(2 * number as u64)) << 64 | u128::from(mixed(2 * number as u64 + 1));
    let mut digit = || {
        let digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
        char::from(digit)
    };
    (0..22).map(|_| digit()).collect()
}

pub fn idempotency_key(number: usize) -> String {
    format!("{PROVIDER}:{}", event_id(number))
}

pub fn normalized_payload(number: usize) -> Value {
    json!({ "ip": "203.0.113.7", "user_agent": "Mozilla/5.0 (X11; Linux x86_64)", "url": format!("https://example.com/{number}") })
}

pub fn metadata(number: usize, delivery: usize) -> Value {
    json!({ "provider": PROVIDER, "provider_message_id": message_id(delivery), "event_id": event_id(number) })
}

/// A number of splitmix64's sequence. Different numbers have different results.
fn mixed(number: u64) -> u64 {
    let state = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}
