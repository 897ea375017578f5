//! Checking recipients.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use uuid::Uuid;

use super::Suppress;
use crate::error::Result;
use crate::models::{Stream, SuppressionReason, SuppressionScope};
use crate::schema::sql_types::{MailglassStream, MailglassSuppressionReason, MailglassSuppressionScope};
use crate::sql::{Bound, params, statement};
use crate::validation::{Checks, RECIPIENT, SHORT_TEXT};

statement! {
    /// Finds the suppressions of recipients.
    struct Check(recipients: CheckParams) -> (BigInt, SuppressedSqlType) {
        "suppressions/subjects",
        "suppressions/digests",
        "suppressions/suppressed",
        => "suppressions/check"
    }
}

type SuppressedSqlType = (
    SqlUuid,
    MailglassSuppressionScope,
    MailglassSuppressionReason,
    Nullable<Timestamptz>,
);

/// Why a recipient is suppressed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Queryable)]
#[non_exhaustive]
pub struct Suppressed {
    /// The suppression.
    pub id: Uuid,
    /// What it covers.
    pub scope: SuppressionScope,
    /// The reason.
    pub reason: SuppressionReason,
    /// When it ends; `None` if it is permanent.
    pub until: Option<DateTime<Utc>>,
}

/// Checks which recipients get no mail of a stream now, in one round trip. The answers are in input order.
///
/// If several suppressions apply to a recipient, the answer is the strongest: a permanent one before one that ends, and then in the
/// order `hard_bounce`, `invalid_recipient`, `complaint`, `unsubscribe`, `manual`, `policy`, `soft_bounce`.
///
/// With [row-level security](crate::tenancy), call it in a scope of the tenant. Outside of one, no suppression is visible, and so
/// nobody is suppressed.
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid): the tenant or a recipient is blank or too long, or the batch exceeds
/// [`MAX_BATCH`](crate::MAX_BATCH) recipients or [`MAX_BATCH_BYTES`](crate::MAX_BATCH_BYTES). A malformed address is accepted.
pub fn check(
    conn: &mut PgConnection,
    tenant_id: &str,
    stream: Stream,
    recipients: &[impl AsRef<str>],
) -> Result<Vec<Option<Suppressed>>> {
    check_with(conn, tenant_id, stream, recipients, Suppress::ByStream)
}

/// [`check`], with the suppressions that apply.
///
/// ```
/// # test_support::with_database(|conn| {
/// use mailglass::suppressions::{self, NewSuppression, Suppress};
/// use mailglass::{Stream, SuppressionReason};
///
/// suppressions::add(conn, &[NewSuppression::address("acme", "ann@example.com", SuppressionReason::Complaint)])?;
///
/// let receipt_to = ["ann@example.com"];
/// let by_stream = suppressions::check_with(conn, "acme", Stream::Transactional, &receipt_to, Suppress::ByStream)?;
/// let always = suppressions::check_with(conn, "acme", Stream::Transactional, &receipt_to, Suppress::Always)?;
/// assert!(by_stream[0].is_none() && always[0].is_some());
/// # Ok(()) });
/// ```
///
/// # Errors
/// As [`check`].
pub fn check_with(
    conn: &mut PgConnection,
    tenant_id: &str,
    stream: Stream,
    recipients: &[impl AsRef<str>],
    suppress: Suppress,
) -> Result<Vec<Option<Suppressed>>> {
    Checks::run(|checks| {
        checks.text("tenant_id", tenant_id, SHORT_TEXT);
        checks.batch("recipients", recipients, |recipient, checks| {
            checks.text("recipient", recipient.as_ref(), RECIPIENT);
        });
    })?;
    let mut found = vec![None; recipients.len()];
    if recipients.is_empty() {
        return Ok(found);
    }
    let always = suppress.is_always();
    let rows = (0..).zip(recipients).map(|(row_id, recipient)| Recipient {
        row_id,
        tenant_id,
        stream,
        recipient: recipient.as_ref(),
        always,
    });
    let suppressed: Vec<(i64, Suppressed)> = Bound::<Check>::new(&CheckParams::new(rows)).load(conn)?;
    for (row_id, suppressed) in suppressed {
        if let Some(answer) = usize::try_from(row_id)
            .ok()
            .and_then(|position| found.get_mut(position))
        {
            *answer = Some(suppressed);
        }
    }
    Ok(found)
}

struct Recipient<'a> {
    row_id: i64,
    tenant_id: &'a str,
    stream: Stream,
    recipient: &'a str,
    always: bool,
}

params! {
    struct CheckParams<'a> from row: Recipient<'a> {
        row_id: BigInt = row.row_id => i64,
        tenant_id: Text = row.tenant_id => &'a str,
        stream: MailglassStream = row.stream => Stream,
        recipient: Text = row.recipient => &'a str,
        suppress_always: Bool = row.always => bool,
    }
}
