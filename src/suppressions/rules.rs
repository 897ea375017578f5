//! Suppressions that follow from events.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Double, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::{Value, json};
use uuid::Uuid;

use super::add::{Added, add_checked};
use super::bounce::Bounce;
use super::new_suppression::NewSuppression;
use crate::error::Result;
use crate::models::{EventDetails, EventType, Stream, SuppressionReason};
use crate::retry;
use crate::schema::sql_types::{MailglassEventType, MailglassStream};
use crate::sql::{Bound, params, statement};
use crate::validation::{Checks, SHORT_TEXT, domain_of};

/// Which events add suppressions: see [`ledger::record_with`](crate::ledger::record_with) and
/// [`SweepOptions::suppress`](crate::reconciler::SweepOptions::suppress). By default, all except soft bounces.
///
/// The recipient is that of the event's delivery, or else the one that the event names. The suppression has the event as its
/// [source](super::Suppression::source_event_id), begins when it is recorded, and is permanent except after soft bounces.
///
/// ```
/// # test_support::with_database(|conn| {
/// use mailglass::ledger::{self, RecordOptions};
/// use mailglass::suppressions::{self, SuppressionRules};
/// use mailglass::{EventDetails, EventType, NewDelivery, NewEvent, Stream};
///
/// let delivery = NewDelivery::new("acme", "welcome", Stream::Transactional, "ann@example.com").insert(conn)?.into_delivery();
/// let bounced = NewEvent::new("acme", EventType::Bounced, chrono::Utc::now())
///     .delivery(delivery.id)
///     .details(EventDetails { permanent: Some(true), ..EventDetails::default() });
/// let options = RecordOptions { suppress: Some(SuppressionRules::default()) };
/// ledger::record_with(conn, vec![bounced], &options)?;
///
/// let suppressed = suppressions::check(conn, "acme", Stream::Transactional, &["ann@example.com"])?;
/// assert!(suppressed[0].is_some());
/// # Ok(()) });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuppressionRules {
    /// An event `bounced` or `rejected` that is a [hard bounce](Bounce::Hard) suppresses the address: `hard_bounce`.
    pub hard_bounces: bool,
    /// An event `complained` suppresses the address: `complaint`.
    pub complaints: bool,
    /// An event `unsubscribed` suppresses the address in the stream of its delivery: `unsubscribe`. Without a delivery the stream is
    /// not known, so nothing happens before the event is linked.
    pub unsubscribes: bool,
    /// Several [soft bounces](Bounce::Soft) suppress the address for a time: `soft_bounce`.
    pub soft_bounces: Option<SoftBounces>,
}

impl Default for SuppressionRules {
    fn default() -> Self {
        SuppressionRules {
            hard_bounces: true,
            complaints: true,
            unsubscribes: true,
            soft_bounces: None,
        }
    }
}

/// When soft bounces suppress an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftBounces {
    /// The number of deliveries to the address that bounced softly. Several bounces of one delivery count once.
    pub threshold: u32,
    /// How long ago they bounced at most, by the time at which it occurred.
    pub window: Duration,
    /// How long the address is suppressed, from now. A further soft bounce extends it.
    pub duration: Duration,
}

impl SuppressionRules {
    /// Whether an event may add a suppression.
    pub(crate) fn concern(&self, event_type: EventType, payload: &Value) -> bool {
        match event_type {
            EventType::Bounced | EventType::Rejected => match Bounce::of(&EventDetails::of(payload, None)) {
                Some(Bounce::Hard) => self.hard_bounces,
                Some(Bounce::Soft) => self.soft_bounces.is_some(),
                None => false,
            },
            EventType::Complained => self.complaints,
            EventType::Unsubscribed => self.unsubscribes,
            _ => false,
        }
    }
}

statement! {
    /// Reads the events that may add suppressions.
    struct Causes(candidate: CandidateParams) -> CauseSqlType {
        => "suppressions/causes"
    }
}

statement! {
    /// Waits for transactions that count the same bounces.
    struct LockAddresses(address: AddressParams) -> () {
        => "suppressions/lock_addresses"
    }
}

statement! {
    /// Reads the bounces of the deliveries to addresses.
    struct RecentBounces(address: AddressParams) -> RecentBounceSqlType {
        "suppressions/addresses_deliveries",
        "timeline",
        => "suppressions/recent_bounces"
    }
}

/// An event that may add a suppression.
#[derive(Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) event_id: Uuid,
    /// Its tenant; `None` if the caller knows that it may see the event.
    pub(crate) tenant_id: Option<&'a str>,
    /// The recipient that the event names, if the caller knows it.
    pub(crate) recipient: Option<&'a str>,
}

params! {
    struct CandidateParams<'a> from candidate: &'a Candidate<'a> {
        event_id: SqlUuid = candidate.event_id => Uuid,
        tenant_id: Nullable<Text> = candidate.tenant_id => Option<&'a str>,
        named_recipient: Nullable<Text> = candidate.recipient => Option<&'a str>,
    }
}

/// An event with what the rules read of it.
#[derive(Queryable)]
struct Cause {
    event_id: Uuid,
    tenant_id: String,
    event_type: EventType,
    facts: BounceFacts,
    named_recipient: Option<String>,
    recipient: Option<String>,
    stream: Option<Stream>,
}

type CauseSqlType = (
    SqlUuid,
    Text,
    MailglassEventType,
    BounceSqlType,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<MailglassStream>,
);

/// The members of the payload that tell what a bounce is.
#[derive(Queryable)]
struct BounceFacts {
    permanent: Option<Value>,
    smtp_code: Option<Value>,
    enhanced_status: Option<Value>,
}

type BounceSqlType = (Nullable<Jsonb>, Nullable<Jsonb>, Nullable<Jsonb>);

impl BounceFacts {
    fn bounce(&self) -> Option<Bounce> {
        let payload = json!({
            "permanent": self.permanent,
            "smtp_code": self.smtp_code,
            "enhanced_status": self.enhanced_status,
        });
        Bounce::of(&EventDetails::of(&payload, None))
    }
}

type RecentBounceSqlType = (Integer, SqlUuid, BounceSqlType, Timestamptz);

/// Where erasing puts an address: see `privacy/persons_deliveries.sql`.
const PSEUDONYM_DOMAIN: &str = "@erased.invalid";

impl Cause {
    /// The address, and whether it may be stored. If the delivery's recipient was erased, the provider still knows the address, but only
    /// its digest is kept.
    fn recipient(&self) -> Option<(&str, bool)> {
        let of_delivery = self.recipient.as_deref();
        let is_erased = of_delivery.is_some_and(|recipient| recipient.ends_with(PSEUDONYM_DOMAIN));
        let recipient = of_delivery.filter(|_| !is_erased).or(self.named_recipient.as_deref())?;
        (!recipient.ends_with(PSEUDONYM_DOMAIN)).then_some((recipient, !is_erased))
    }

    /// The suppression that the event adds by itself.
    fn suppression(&self, rules: &SuppressionRules) -> Option<NewSuppression> {
        let (recipient, may_be_stored) = self.recipient()?;
        let of_address = |reason| NewSuppression::address(&self.tenant_id, recipient, reason);
        let suppression = match self.event_type {
            EventType::Bounced | EventType::Rejected => {
                let is_hard = rules.hard_bounces && self.facts.bounce() == Some(Bounce::Hard);
                is_hard.then(|| of_address(SuppressionReason::HardBounce))
            }
            EventType::Complained => rules.complaints.then(|| of_address(SuppressionReason::Complaint)),
            EventType::Unsubscribed => self.stream.filter(|_| rules.unsubscribes).map(|stream| {
                NewSuppression::address_in_stream(&self.tenant_id, recipient, stream, SuppressionReason::Unsubscribe)
            }),
            _ => None,
        }?;
        let suppression = suppression.source_event(self.event_id);
        Some(if may_be_stored {
            suppression
        } else {
            suppression.without_address()
        })
    }

    /// The address of a soft bounce, folded. Only deliveries are counted.
    fn softly_bounced(&self) -> Option<(String, String)> {
        let is_bounce = matches!(self.event_type, EventType::Bounced | EventType::Rejected);
        let recipient = self.recipient.as_deref().filter(|_| is_bounce)?;
        let is_soft = self.facts.bounce() == Some(Bounce::Soft) && !recipient.ends_with(PSEUDONYM_DOMAIN);
        is_soft.then(|| (self.tenant_id.clone(), recipient.to_ascii_lowercase()))
    }
}

/// Adds the suppressions that follow from events which are recorded already, as if they were recorded with the rules. The outcomes are in
/// no order.
///
/// Use it for a history that was recorded without rules, and for early events: [`Delivery::mark_dispatched`](crate::Delivery::mark_dispatched)
/// and [`Attempt::sent`](crate::outbox::Attempt::sent) link the events that wait for the message, and apply no rules. Unlike a replay,
/// it adds again what was removed.
///
/// ```
/// # test_support::with_database(|conn| {
/// use mailglass::suppressions::{self, SuppressionRules};
/// use mailglass::{EventType, NewDelivery, NewEvent, Stream, ledger};
///
/// // The webhook arrives before the application has recorded the provider's answer.
/// let unsubscribed = NewEvent::new("acme", EventType::Unsubscribed, chrono::Utc::now()).provider_message("ses", "0a129aee");
/// ledger::record(conn, &[unsubscribed])?;
/// let delivery = NewDelivery::new("acme", "news", Stream::Bulk, "ann@example.com").insert(conn)?.into_delivery();
/// let delivery = delivery.mark_dispatched(conn, "ses", "0a129aee", chrono::Utc::now())?;
///
/// let events: Vec<_> = delivery.timeline(conn)?.iter().map(|event| event.id).collect();
/// let added = suppressions::apply(conn, "acme", &SuppressionRules::default(), &events)?;
/// assert_eq!(added[0].suppression().stream, Some(Stream::Bulk));
/// # Ok(()) });
/// ```
///
/// # Errors
/// As [`add`](super::add). An event that does not exist, or belongs to another tenant, is left out.
pub fn apply(
    conn: &mut PgConnection,
    tenant_id: &str,
    rules: &SuppressionRules,
    event_ids: &[Uuid],
) -> Result<Vec<Added>> {
    Checks::run(|checks| {
        checks.text("tenant_id", tenant_id, SHORT_TEXT);
        checks.batch("event_ids", event_ids, |_, _| {});
    })?;
    let candidate = |event_id: &Uuid| Candidate {
        event_id: *event_id,
        tenant_id: Some(tenant_id),
        recipient: None,
    };
    let candidates: Vec<Candidate<'_>> = event_ids.iter().map(candidate).collect();
    retry::transaction(conn, |conn| apply_to_candidates(conn, rules, &candidates))
}

/// [`apply`] to events that this transaction has linked, whatever their tenants.
pub(crate) fn apply_to(
    conn: &mut PgConnection,
    rules: &SuppressionRules,
    event_ids: impl Iterator<Item = Uuid>,
) -> Result<Vec<Added>> {
    let candidate = |event_id| Candidate {
        event_id,
        tenant_id: None,
        recipient: None,
    };
    let candidates: Vec<Candidate<'_>> = event_ids.map(candidate).collect();
    apply_to_candidates(conn, rules, &candidates)
}

/// Adds the suppressions that follow from events that this transaction has recorded or linked.
pub(crate) fn apply_to_candidates(
    conn: &mut PgConnection,
    rules: &SuppressionRules,
    candidates: &[Candidate<'_>],
) -> Result<Vec<Added>> {
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let causes: Vec<Cause> = Bound::<Causes>::new(&CandidateParams::new(candidates)).load(conn)?;
    let mut new: Vec<NewSuppression> = causes.iter().filter_map(|cause| cause.suppression(rules)).collect();
    if let Some(soft_bounces) = &rules.soft_bounces {
        new.extend(after_soft_bounces(conn, soft_bounces, &causes)?);
    }
    add_checked(conn, &new)
}

/// An address with soft bounces.
struct Address<'a> {
    row_id: i32,
    tenant_id: &'a str,
    recipient: &'a str,
    window: Duration,
}

params! {
    struct AddressParams<'a> from address: &'a Address<'a> {
        row_id: Integer = address.row_id => i32,
        tenant_id: Text = address.tenant_id => &'a str,
        recipient: Text = address.recipient => &'a str,
        domain: Text = domain_of(address.recipient).unwrap_or_default() => String,
        window_seconds: Double = seconds(address.window) => f64,
    }
}

fn after_soft_bounces(conn: &mut PgConnection, rule: &SoftBounces, causes: &[Cause]) -> Result<Vec<NewSuppression>> {
    // The last event of each address is the source.
    let sources: BTreeMap<(String, String), Uuid> = (causes.iter())
        .filter_map(|cause| Some((cause.softly_bounced()?, cause.event_id)))
        .collect();
    if sources.is_empty() {
        return Ok(Vec::new());
    }
    let addresses = (0..)
        .zip(sources.keys())
        .map(|(row_id, (tenant_id, recipient))| Address {
            row_id,
            tenant_id,
            recipient,
            window: rule.window,
        });
    let addresses: Vec<Address<'_>> = addresses.collect();
    let params = AddressParams::new(&addresses);
    Bound::<LockAddresses>::new(&params).execute(conn)?;
    // Its snapshot shows what was committed before the locks were granted.
    let bounces: Vec<(i32, Uuid, BounceFacts, DateTime<Utc>)> = Bound::<RecentBounces>::new(&params).load(conn)?;
    let mut deliveries: HashMap<i32, HashSet<Uuid>> = HashMap::new();
    let mut server_now = None;
    for (row_id, delivery_id, facts, now) in bounces {
        server_now = Some(now);
        if facts.bounce() == Some(Bounce::Soft) {
            deliveries.entry(row_id).or_default().insert(delivery_id);
        }
    }
    let end = server_now.map(|now| later(now, rule.duration));
    let new = (addresses.iter().zip(sources.values())).filter_map(|(address, source)| {
        let bounced = deliveries.get(&address.row_id).map_or(0, HashSet::len);
        let is_reached = bounced > 0 && u64::try_from(bounced).is_ok_and(|bounced| bounced >= rule.threshold.into());
        let new = NewSuppression::address(address.tenant_id, address.recipient, SuppressionReason::SoftBounce);
        let end = end.filter(|_| is_reached)?;
        Some(new.until(end).source_event(*source))
    });
    Ok(new.collect())
}

/// The longest window and duration: a hundred years.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

fn seconds(duration: Duration) -> f64 {
    duration.min(LONGEST).as_secs_f64()
}

fn later(time: DateTime<Utc>, duration: Duration) -> DateTime<Utc> {
    let duration = TimeDelta::from_std(duration.min(LONGEST)).unwrap_or(TimeDelta::MAX);
    time.checked_add_signed(duration).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
