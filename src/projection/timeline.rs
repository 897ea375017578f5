//! A delivery's timeline: what it shows, and what a rebuild folds.

use std::sync::LazyLock;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::result::QueryResult;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use uuid::Uuid;

use crate::batch::{Batch, BatchStatement, Columns, push_columns};
use crate::delivery::Delivery;
use crate::error::Result;
use crate::event::Event;
use crate::schema::mailglass_events;

/// Deliveries as array parameters.
pub(super) struct Subjects<'a> {
    tenant_ids: Vec<&'a str>,
    delivery_ids: &'a [Uuid],
}

impl<'a> Subjects<'a> {
    pub(super) fn new(tenant_id: &'a str, delivery_ids: &'a [Uuid]) -> Self {
        Subjects {
            tenant_ids: vec![tenant_id; delivery_ids.len()],
            delivery_ids,
        }
    }
}

impl Columns for Subjects<'_> {
    fn push<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        push_columns!(out, tenant_id: Text = &self.tenant_ids, delivery_id: SqlUuid = self.delivery_ids)
    }
}

/// The beginning of a statement over [`Subjects`]: `timeline`, the events of each, with `timeline_of`.
pub(super) const WITH_TIMELINE: &str = concat!("WITH subject AS (:input),\n", include_str!("timeline.sql"));

struct Timeline;

static TIMELINE: LazyLock<String> = LazyLock::new(|| [WITH_TIMELINE, include_str!("timeline_events.sql")].concat());

impl BatchStatement for Timeline {
    type SqlType = mailglass_events::SqlType;

    fn sql() -> &'static str {
        &TIMELINE
    }
}

impl Delivery {
    /// The facts of this delivery: the events that found it when they were appended, and those that the reconciler linked later.
    /// In the projection's order: by `occurred_at`, then lifecycle rank (then id, so that equals stay in place).
    ///
    /// An event that names this delivery and still waits, or has expired, is not among them: see
    /// [`reconciler::waiting`](crate::reconciler::waiting) and [`reconciler::expired`](crate::reconciler::expired).
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database).
    pub fn timeline(&self, conn: &mut PgConnection) -> Result<Vec<Event>> {
        let subjects = Subjects::new(&self.tenant_id, std::slice::from_ref(&self.id));
        let mut events: Vec<Event> = Batch::<Timeline, _>::new(&subjects).load(conn)?;
        events.sort_by_key(|event| (event.occurred_at, event.type_.lifecycle_rank(), event.id));
        Ok(events)
    }
}
