//! The start of an application's own queries.

use diesel::dsl::{AsSelect, Eq, Filter, Select};
use diesel::pg::Pg;
use diesel::prelude::*;

use crate::models::{Delivery, Event};
use crate::schema::{mailglass_deliveries, mailglass_events};

/// The query of [`Delivery::for_tenant`].
pub type DeliveriesOfTenant<'a> =
    Select<Filter<mailglass_deliveries::table, Eq<mailglass_deliveries::tenant_id, &'a str>>, AsSelect<Delivery, Pg>>;

/// The query of [`Event::for_tenant`].
pub type EventsOfTenant<'a> =
    Select<Filter<mailglass_events::table, Eq<mailglass_events::tenant_id, &'a str>>, AsSelect<Event, Pg>>;

impl Delivery {
    /// A query of a tenant's deliveries, for your own filters and orders. It loads [`Delivery`], or what you `select`.
    ///
    /// The indexes of `mailglass_deliveries` begin with the tenant. They serve `recipient_domain = …` and
    /// `stream = … AND NOT terminal`, each with the latest deliveries first, and all deliveries with the latest first.
    ///
    /// ```
    /// # test_support::with_database(|conn| {
    /// use diesel::dsl::count_star;
    /// use diesel::prelude::*;
    /// use mailglass::schema::mailglass_deliveries::dsl::*;
    /// use mailglass::{Delivery, NewDelivery, Stream};
    ///
    /// NewDelivery::new("acme", "welcome", Stream::Transactional, "ann@example.com").insert(conn)?;
    ///
    /// let latest: Vec<Delivery> = Delivery::for_tenant("acme")
    ///     .filter(recipient_domain.eq("example.com"))
    ///     .order(inserted_at.desc())
    ///     .limit(50)
    ///     .load(conn)?;
    /// let open: i64 = Delivery::for_tenant("acme").filter(terminal.eq(false)).select(count_star()).get_result(conn)?;
    /// assert_eq!((latest.len(), open), (1, 1));
    /// assert_eq!(Delivery::for_tenant("globex").load(conn)?, []);
    /// # Ok(())
    /// # });
    /// ```
    pub fn for_tenant(tenant_id: &str) -> DeliveriesOfTenant<'_> {
        mailglass_deliveries::table
            .filter(mailglass_deliveries::tenant_id.eq(tenant_id))
            .select(Delivery::as_select())
    }
}

impl Event {
    /// A query of a tenant's events, for your own filters and orders. It loads [`Event`], or what you `select`.
    ///
    /// An index serves the latest events first. The events of one delivery are
    /// [`Delivery::timeline`](crate::Delivery::timeline), which also has those that were linked later.
    ///
    /// ```
    /// # test_support::with_database(|conn| {
    /// use diesel::prelude::*;
    /// use mailglass::schema::mailglass_events::dsl::*;
    /// use mailglass::{Event, EventType, NewDelivery, Stream};
    ///
    /// NewDelivery::new("acme", "welcome", Stream::Transactional, "ann@example.com").insert(conn)?;
    ///
    /// let latest: Vec<Event> = Event::for_tenant("acme").order(inserted_at.desc()).limit(50).load(conn)?;
    /// assert_eq!(latest[0].type_, EventType::Queued);
    /// # Ok(())
    /// # });
    /// ```
    pub fn for_tenant(tenant_id: &str) -> EventsOfTenant<'_> {
        mailglass_events::table
            .filter(mailglass_events::tenant_id.eq(tenant_id))
            .select(Event::as_select())
    }
}
