//! The details of an event: what the ledger keeps of them, and what is personal.

use std::net::IpAddr;

use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value};

use super::attrs::Attrs;
use super::event::Event;
use super::redacted::redacted_debug;
use crate::error::Result;
use crate::schema::mailglass_event_details;
use crate::validation::Checks;

/// What an event says beyond its type: see [`NewEvent::details`](crate::NewEvent::details) and [`Event::details`].
///
/// The ledger never changes, so it keeps only what is not personal: those fields become members of
/// [`Event::normalized_payload`]. The personal ones are stored in `mailglass_event_details`, where they can be
/// [erased](crate::privacy::erase) and expire. `Debug` does not print them.
///
/// ```
/// use mailglass::EventDetails;
///
/// let details = EventDetails {
///     permanent: Some(true),
///     smtp_code: Some(550),
///     enhanced_status: Some("5.1.1".to_owned()),
///     mta_response: Some("550 5.1.1 <ann@example.com>: no such user".to_owned()),
///     ..EventDetails::default()
/// };
/// assert!(!format!("{details:?}").contains("ann@example.com"));
/// ```
#[derive(Clone, Default, PartialEq, Serialize)]
pub struct EventDetails {
    /// Whether trying again is pointless: `true` for a hard bounce, `false` for a soft one. Not personal.
    pub permanent: Option<bool>,
    /// The reply code of the receiving server, such as 550 (RFC 5321, section 4.2.1). Not personal.
    pub smtp_code: Option<u16>,
    /// The enhanced status code, such as `5.1.1` (RFC 3463). Not personal.
    pub enhanced_status: Option<String>,
    /// The receiving server, such as `mx.example.com`. Not personal.
    pub remote_mta: Option<String>,
    /// The provider's explanation. Personal: it often has the address.
    pub description: Option<String>,
    /// The reply of the receiving server. Personal: it often has the address.
    pub mta_response: Option<String>,
    /// The address of the recipient's device. Personal.
    pub ip_address: Option<IpAddr>,
    /// The recipient's browser or mail client. Personal.
    pub user_agent: Option<String>,
    /// The link that the recipient followed. Personal: it often has a token.
    pub click_url: Option<String>,
    /// Anything else that is personal, as a JSON object.
    pub other: Option<Value>,
}

redacted_debug!(EventDetails { permanent, smtp_code, enhanced_status, remote_mta } hides {
    description, mta_response, ip_address, user_agent, click_url, other,
});

impl EventDetails {
    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == EventDetails::default()
    }

    /// From an attribute map. Errors are added under `details`.
    pub(super) fn from_attrs(attrs: Value, checks: &mut Checks) -> Self {
        let mut attrs = match Attrs::new(attrs) {
            Ok(attrs) => attrs,
            Err(_) => {
                checks.add("details", "must be a JSON object");
                return EventDetails::default();
            }
        };
        let details = EventDetails {
            permanent: attrs.boolean("permanent"),
            smtp_code: attrs.code("smtp_code"),
            enhanced_status: attrs.text("enhanced_status"),
            remote_mta: attrs.text("remote_mta"),
            description: attrs.text("description"),
            mta_response: attrs.text("mta_response"),
            ip_address: attrs.ip_address("ip_address"),
            user_agent: attrs.text("user_agent"),
            click_url: attrs.text("click_url"),
            other: attrs.object("other"),
        };
        attrs.reject_the_rest(|_| None);
        checks.add_nested("details", attrs.checks);
        details
    }

    pub(super) fn check(&self, checks: &mut Checks) {
        if self.smtp_code.is_some_and(|code| !(200..600).contains(&code)) {
            checks.add("details.smtp_code", "must be between 200 and 599");
        }
        for (field, text) in [
            ("details.enhanced_status", &self.enhanced_status),
            ("details.remote_mta", &self.remote_mta),
            ("details.description", &self.description),
            ("details.mta_response", &self.mta_response),
            ("details.user_agent", &self.user_agent),
            ("details.click_url", &self.click_url),
        ] {
            if let Some(text) = text {
                checks.detail(field, text);
            }
        }
        if let Some(other) = &self.other {
            checks.json_object("details.other", other);
        }
    }

    /// The members of `normalized_payload`.
    pub(super) fn facts(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let facts = [
            ("permanent", self.permanent.map(Value::from)),
            ("smtp_code", self.smtp_code.map(Value::from)),
            ("enhanced_status", self.enhanced_status.clone().map(Value::from)),
            ("remote_mta", self.remote_mta.clone().map(Value::from)),
        ];
        facts.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }

    /// The members of `mailglass_event_details.data`.
    pub(crate) fn personal(&self) -> Map<String, Value> {
        let text = |text: &Option<String>| text.clone().map(Value::from);
        let personal = [
            ("description", text(&self.description)),
            ("mta_response", text(&self.mta_response)),
            ("ip_address", self.ip_address.map(|address| address.to_string().into())),
            ("user_agent", text(&self.user_agent)),
            ("click_url", text(&self.click_url)),
            ("other", self.other.clone()),
        ];
        let personal = personal.into_iter();
        personal
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect()
    }

    /// The details of an event, given its row of `mailglass_event_details`, if there is one. A member of another type is left
    /// out: the payload is the application's, and another library may have written either.
    pub(crate) fn of(payload: &Value, data: Option<&Value>) -> Self {
        let text = |object: Option<&Value>, key| Some(object?.get(key)?.as_str()?.to_owned());
        let (fact, personal) = (|key| text(Some(payload), key), |key| text(data, key));
        EventDetails {
            permanent: payload.get("permanent").and_then(Value::as_bool),
            smtp_code: payload
                .get("smtp_code")
                .and_then(Value::as_u64)
                .and_then(|code| code.try_into().ok()),
            enhanced_status: fact("enhanced_status"),
            remote_mta: fact("remote_mta"),
            description: personal("description"),
            mta_response: personal("mta_response"),
            ip_address: personal("ip_address").and_then(|address| address.parse().ok()),
            user_agent: personal("user_agent"),
            click_url: personal("click_url"),
            other: data.and_then(|data| data.get("other").cloned()),
        }
    }
}

impl Event {
    /// The details of the event. The personal ones are absent once they are erased or expired.
    ///
    /// ```
    /// # test_support::with_database(|conn| {
    /// use mailglass::{EventDetails, EventType, NewEvent, ledger};
    ///
    /// let clicked = NewEvent::new("acme", EventType::Clicked, chrono::Utc::now())
    ///     .provider_message("postmark", "0a129aee")
    ///     .details(EventDetails { click_url: Some("https://example.com/reset".to_owned()), ..EventDetails::default() });
    /// let recorded = ledger::record(conn, &[clicked])?;
    ///
    /// let details = recorded[0].event().details(conn)?;
    /// assert_eq!(details.click_url.as_deref(), Some("https://example.com/reset"));
    /// # Ok(()) });
    /// ```
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database).
    #[cfg(feature = "postgres")]
    pub fn details(&self, conn: &mut PgConnection) -> Result<EventDetails> {
        let data: Option<Value> = mailglass_event_details::table
            .find(self.id)
            .filter(
                mailglass_event_details::tenant_id
                    .eq(&self.tenant_id)
                    .is_not_distinct_from(true),
            )
            .select(mailglass_event_details::data)
            .first(conn)
            .optional()?;
        Ok(EventDetails::of(&self.normalized_payload, data.as_ref()))
    }
}
