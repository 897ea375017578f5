//! Pending links.

use diesel::prelude::*;

use crate::schema::mailglass_event_links;

/// Links that are neither completed nor expired.
#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn is_pending() -> _ {
    mailglass_event_links::linked_at
        .is_null()
        .and(mailglass_event_links::expired_at.is_null())
}
