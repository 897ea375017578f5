//! Removing suppressions.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};

use super::subject::Subject;
use super::suppression::Suppression;
use crate::error::Result;
use crate::models::{Stream, SuppressionReason, SuppressionScope};
use crate::retry;
use crate::schema::mailglass_suppressions;
use crate::schema::sql_types::{MailglassStream, MailglassSuppressionReason, MailglassSuppressionScope};
use crate::sql::{Bound, First, params, statement};
use crate::validation::{Checks, SHORT_TEXT};

statement! {
    /// Deletes the suppressions of a subject.
    struct Remove(subjects: OneSubject) -> mailglass_suppressions::SqlType {
        "suppressions/digests",
        "suppressions/lock_subject",
        => "suppressions/remove"
    }
}

/// A subject, and the reason if only one is meant.
struct Removal<'a> {
    tenant_id: &'a str,
    subject: &'a Subject,
    reason: Option<SuppressionReason>,
}

type OneSubject<'a> = First<SubjectParams<'a>>;

params! {
    struct SubjectParams<'a> from removal: &'a Removal<'a> {
        tenant_id: Text = removal.tenant_id => &'a str,
        scope: MailglassSuppressionScope = removal.subject.scope() => SuppressionScope,
        stream: Nullable<MailglassStream> = removal.subject.stream() => Option<Stream>,
        address: Text = removal.subject.as_str() => &'a str,
        reason: Nullable<MailglassSuppressionReason> = removal.reason => Option<SuppressionReason>,
    }
}

/// Removes the suppressions of a subject, or only the one with a reason, and returns them. Other subjects stay suppressed: removing
/// an address leaves a suppression of its domain or of the address in one stream.
///
/// Removed suppressions are deleted. If they may apply again one day, keep what is returned. A bounce that was recorded before is not
/// repeated by a replay, so it does not suppress again.
///
/// ```
/// # test_support::with_database(|conn| {
/// use mailglass::SuppressionReason;
/// use mailglass::suppressions::{self, NewSuppression, Subject};
///
/// suppressions::add(conn, &[NewSuppression::address("acme", "ann@example.com", SuppressionReason::HardBounce)])?;
///
/// let ann = Subject::Address("Ann@example.com".to_owned());
/// let removed = suppressions::remove(conn, "acme", &ann, None)?;
/// assert_eq!(removed[0].reason, SuppressionReason::HardBounce);
/// assert!(suppressions::remove(conn, "acme", &ann, None)?.is_empty());
/// # Ok(()) });
/// ```
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid) if the tenant or the subject is malformed. A subject without suppressions is no error.
pub fn remove(
    conn: &mut PgConnection,
    tenant_id: &str,
    subject: &Subject,
    reason: Option<SuppressionReason>,
) -> Result<Vec<Suppression>> {
    Checks::run(|checks| {
        checks.text("tenant_id", tenant_id, SHORT_TEXT);
        subject.check(checks);
    })?;
    let removal = Removal {
        tenant_id,
        subject,
        reason,
    };
    let params = First(SubjectParams::new([&removal]));
    retry::serializable(conn, |conn| {
        let mut removed: Vec<Suppression> = Bound::<Remove>::new(&params).load(conn)?;
        removed.sort_by_key(|suppression| suppression.reason);
        Ok(removed)
    })
}
