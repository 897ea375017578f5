//! Erasing a person.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use serde::Serialize;
use uuid::Uuid;

use super::person::{OnePerson, Person, PersonParams};
use crate::error::Result;
use crate::projection::Subjects;
use crate::retry;
use crate::schema::{mailglass_erasures, mailglass_event_details, mailglass_event_links, mailglass_outbox};
use crate::sql::{Bound, First, params, statement};
use crate::tenancy;

statement! {
    /// Replaces the recipients of the person's deliveries.
    struct Pseudonymize(person: OnePerson) -> SqlUuid {
        "privacy/persons_deliveries",
        => "privacy/pseudonymize"
    }
}

statement! {
    /// Replaces the recipients of the links that name the person.
    struct ClearLinks(person: OnePerson) -> SqlUuid {
        "privacy/persons_links",
        => "privacy/clear_links"
    }
}

statement! {
    /// Deletes the details of the facts of deliveries.
    struct DeleteTimelinesDetails(subject: Subjects) -> SqlUuid {
        "timeline",
        => "privacy/delete_timelines_details"
    }
}

statement! {
    /// Deletes the details of events that name only the recipient.
    struct DeletePersonsDetails(person: OnePerson) -> SqlUuid {
        => "privacy/delete_persons_details"
    }
}

statement! {
    /// Removes the address from its suppressions.
    struct ClearSuppressions(person: OnePerson) -> SqlUuid {
        "privacy/persons_subject",
        "suppressions/digests",
        "privacy/persons_suppressions",
        => "privacy/clear_suppressions"
    }
}

statement! {
    /// Searches the deliveries for the address.
    struct DeliveryMentions(subject: Searched) -> (SqlUuid, Array<Text>) {
        => "privacy/delivery_mentions"
    }
}

statement! {
    /// Searches the facts of the deliveries for the address.
    struct EventMentions(subject: Searched) -> (SqlUuid, Array<Text>) {
        "timeline",
        => "privacy/event_mentions"
    }
}

params! {
    /// Deliveries that are searched for an address, as plain text and as JSON text.
    struct Searched<'a> from searched: (&'a Person<'a>, Uuid, &'a str, &'a str) {
        tenant_id: Text = searched.0.tenant_id => &'a str,
        delivery_id: SqlUuid = searched.1 => Uuid,
        needle: Text = searched.2 => &'a str,
        json_needle: Text = searched.3 => &'a str,
    }
}

/// How [`erase_with`] erases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EraseOptions {
    /// Whether the deliveries keep their `recipient_domain`, for statistics. A domain with few addresses identifies a person.
    pub keep_domain: bool,
}

/// The record of an erasure: a row of `mailglass_erasures`. It does not say who was erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Queryable, Selectable, Identifiable)]
#[diesel(table_name = mailglass_erasures, check_for_backend(Pg))]
#[non_exhaustive]
pub struct Erasure {
    /// A UUIDv7.
    pub id: Uuid,
    /// The tenant whose data was erased.
    pub tenant_id: String,
    /// How many deliveries got a pseudonym.
    pub deliveries: i64,
    /// How many rows of `mailglass_event_details` were deleted.
    pub event_details: i64,
    /// In how many rows of `mailglass_event_links` the recipient was replaced.
    pub event_links: i64,
    /// From how many rows of `mailglass_suppressions` the address was removed. They stay in force.
    pub suppressions: i64,
    /// Whether the deliveries keep their `recipient_domain`.
    pub domain_kept: bool,
    /// When, by the server's clock, UTC.
    pub erased_at: DateTime<Utc>,
}

/// What [`erase`] did, and what it leaves to the application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Erased {
    /// The record.
    pub erasure: Erasure,
    /// Where the address still is, in columns that the application fills. It is empty if everything was erased.
    pub mentions: Vec<Mention>,
}

/// A row that still contains the address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Mention {
    /// `mailglass_deliveries`, whose `metadata` and `last_error` [`Delivery::update`](crate::Delivery::update) changes, or
    /// `mailglass_events`, which can't be changed.
    pub table: &'static str,
    /// The row.
    pub id: Uuid,
    /// Its columns that contain the address.
    pub columns: Vec<String>,
}

/// Erases a person from a tenant's data, in one transaction.
///
/// - The recipient of each delivery becomes a random pseudonym, such as `erased-…@erased.invalid`, and so does
///   `recipient_domain` (see [`erase_with`]). A pseudonym does not tell which deliveries had the same recipient.
/// - The [details](crate::NewEvent::details) of the events of these deliveries are deleted, and those of events that name the
///   recipient.
/// - The recipient of a link becomes a pseudonym as well.
/// - A delivery that waits in the [outbox](crate::outbox) is not sent: a claim ends it as suppressed.
/// - [Suppressions](crate::suppressions) of the address lose it and stay in force, because their digests stay.
/// - A row of `mailglass_erasures` records when this happened and how many rows changed, without the address.
///
/// The events stay, so the projections do not change. Nothing searches the columns that the application fills in other
/// people's deliveries. Those of this person's deliveries and events are searched, and every row that still contains the address is
/// reported.
///
/// Details of events that are recorded afterwards are stored again. An event that finds its delivery by the address, because
/// the provider's message has several recipients, does not find it any more: it waits and expires. Inserting a delivery again with its
/// idempotency key is a conflict, because its recipient differs.
///
/// ```
/// # test_support::with_database(|conn| {
/// use mailglass::{Delivery, NewDelivery, Stream, privacy};
///
/// let delivery = NewDelivery::new("acme", "welcome", Stream::Transactional, "ann@example.com").insert(conn)?.into_delivery();
///
/// let erased = privacy::erase(conn, "acme", "Ann@example.com")?;
/// assert_eq!(erased.erasure.deliveries, 1);
/// assert!(erased.mentions.is_empty());
/// assert!(Delivery::find(conn, "acme", delivery.id)?.recipient.ends_with("@erased.invalid"));
/// # Ok(()) });
/// ```
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid) if the tenant or the recipient is blank or too long. A person who is not known is no
/// error: the record then has zeros.
pub fn erase(conn: &mut PgConnection, tenant_id: &str, recipient: &str) -> Result<Erased> {
    erase_with(conn, tenant_id, recipient, &EraseOptions::default())
}

/// [`erase`], with options.
///
/// # Errors
/// As [`erase`].
pub fn erase_with(conn: &mut PgConnection, tenant_id: &str, recipient: &str, options: &EraseOptions) -> Result<Erased> {
    let person = Person {
        keep_domain: options.keep_domain,
        ..Person::new(tenant_id, recipient)?
    };
    // Outside of a scope, row-level security would hide the person.
    let erase = |conn: &mut PgConnection| {
        let deliveries = load_of_person::<Pseudonymize>(conn, &person)?;
        if !options.keep_domain {
            clear_outbox(conn, &deliveries)?;
        }
        let links = load_of_person::<ClearLinks>(conn, &person)?;
        let details = delete_details(conn, &person, &deliveries, &links)?;
        let suppressions = load_of_person::<ClearSuppressions>(conn, &person)?;
        let erasure = diesel::insert_into(mailglass_erasures::table)
            .values((
                mailglass_erasures::id.eq(Uuid::now_v7()),
                mailglass_erasures::tenant_id.eq(tenant_id),
                mailglass_erasures::deliveries.eq(count(deliveries.len())),
                mailglass_erasures::event_details.eq(count(details)),
                mailglass_erasures::event_links.eq(count(links.len())),
                mailglass_erasures::suppressions.eq(count(suppressions.len())),
                mailglass_erasures::domain_kept.eq(options.keep_domain),
            ))
            .returning(Erasure::as_returning())
            .get_result(conn)?;
        Ok(Erased {
            erasure,
            mentions: mentions(conn, &person, &deliveries)?,
        })
    };
    retry::serializable(conn, |conn| tenancy::scoped(conn, tenant_id, erase))
}

/// Replaces the domains in the outbox. A claim ends deliveries to a pseudonym as suppressed.
fn clear_outbox(conn: &mut PgConnection, deliveries: &[Uuid]) -> Result<()> {
    diesel::update(mailglass_outbox::table)
        .filter(mailglass_outbox::delivery_id.eq_any(deliveries))
        .set(mailglass_outbox::recipient_domain.eq("erased.invalid"))
        .execute(conn)?;
    Ok(())
}

fn load_of_person<S>(conn: &mut PgConnection, person: &Person<'_>) -> Result<Vec<Uuid>>
where
    S: for<'a> crate::sql::Statement<Params<'a> = OnePerson<'a>, SqlType = SqlUuid>,
{
    let params = First(PersonParams::new([person]));
    Ok(Bound::<S>::new(&params).load(conn)?)
}

/// Deletes the details of the events of the deliveries, and of those that name a delivery or the person and wait. Returns
/// how many.
fn delete_details(conn: &mut PgConnection, person: &Person<'_>, deliveries: &[Uuid], links: &[Uuid]) -> Result<usize> {
    let subjects = Subjects::new(deliveries.iter().map(|id| (person.tenant_id, *id)));
    let of_facts: Vec<Uuid> = Bound::<DeleteTimelinesDetails>::new(&subjects).load(conn)?;
    let naming_deliveries = mailglass_event_links::table
        .filter(mailglass_event_links::tenant_id.eq(person.tenant_id))
        .filter(mailglass_event_links::linked_at.is_null())
        .filter(mailglass_event_links::named_delivery_id.eq_any(deliveries))
        .select(mailglass_event_links::event_id)
        .load(conn)?;
    let waiting: Vec<Uuid> = links.iter().copied().chain(naming_deliveries).collect();
    let of_waiting = diesel::delete(mailglass_event_details::table)
        .filter(mailglass_event_details::event_id.eq_any(waiting))
        .execute(conn)?;
    let of_person = load_of_person::<DeletePersonsDetails>(conn, person)?;
    Ok(of_facts.len() + of_waiting + of_person.len())
}

fn mentions(conn: &mut PgConnection, person: &Person<'_>, deliveries: &[Uuid]) -> Result<Vec<Mention>> {
    let needle = person.recipient.to_ascii_lowercase();
    // As jsonb prints a text: quotation marks and backslashes are escaped.
    let quoted = serde_json::Value::from(needle.as_str()).to_string();
    let json_needle = quoted.trim_matches('"');
    let subjects = deliveries.iter().map(|id| (person, *id, needle.as_str(), json_needle));
    let searched = Searched::new(subjects);
    let in_deliveries: Vec<(Uuid, Vec<String>)> = Bound::<DeliveryMentions>::new(&searched).load(conn)?;
    let in_events: Vec<(Uuid, Vec<String>)> = Bound::<EventMentions>::new(&searched).load(conn)?;
    let of_table = |table, rows: Vec<(Uuid, Vec<String>)>| {
        rows.into_iter()
            .map(move |(id, columns)| Mention { table, id, columns })
    };
    let in_deliveries = of_table("mailglass_deliveries", in_deliveries);
    Ok(in_deliveries.chain(of_table("mailglass_events", in_events)).collect())
}

fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
