//! Why a step of sending is rejected, and what to do.

use crate::models::{DeliveryStatus, EventType};

pub(super) fn step_advice(step: EventType, status: DeliveryStatus) -> &'static str {
    match (step, status) {
        (EventType::Dispatched, DeliveryStatus::Suppressed) => {
            "it was not to be sent; if it was sent nevertheless, store its message id with `update`"
        }
        (EventType::Dispatched, _) => "it has another provider message; insert a delivery for each message",
        (EventType::Failed, DeliveryStatus::Suppressed) => "it was not to be sent, so nothing is left to do",
        (EventType::Failed, _) => "it was sent; record what happened to it as an event, such as `bounced`",
        (_, DeliveryStatus::Failed) => "it has failed, so nothing is left to do",
        _ => "the provider has accepted it; suppress later deliveries to the recipient",
    }
}
