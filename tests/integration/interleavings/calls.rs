//! The calls that are interleaved. Each is a script of units that are atomic according to the documentation.

use std::time::Duration;

use diesel::prelude::*;
use mailglass::reconciler::{SweepOptions, sweep};
use mailglass::schema::mailglass_deliveries;
use mailglass::tenancy::Tenants;
use mailglass::{Delivery, DeliveryChanges, Error, EventType, Inserted, NewDelivery, Result, ledger, projection};
use serde_json::json;

use super::tenant::Tenant;
use crate::support::at;

/// Makes one call and describes its result. The delivery is the one that an earlier unit of the script has read.
pub type Unit = fn(&Tenant, &mut PgConnection, &mut Option<Delivery>) -> Result<String>;

#[derive(Clone, Copy)]
pub struct Script {
    pub name: &'static str,
    pub units: &'static [Unit],
    /// Whether each unit runs in a transaction of the caller, whose commit is a separate step.
    pub in_transaction: bool,
}

impl Script {
    const fn new(name: &'static str, units: &'static [Unit]) -> Script {
        Script {
            name,
            units,
            in_transaction: false,
        }
    }

    pub const fn in_transaction(self) -> Script {
        Script {
            in_transaction: true,
            ..self
        }
    }

    pub fn title(&self) -> String {
        if self.in_transaction {
            format!("BEGIN; {}; COMMIT", self.name)
        } else {
            self.name.to_owned()
        }
    }

    /// Runs a unit and describes its result.
    pub fn run_unit(
        &self,
        unit: usize,
        tenant: &Tenant,
        conn: &mut PgConnection,
        known: &mut Option<Delivery>,
    ) -> Result<String> {
        if self.in_transaction {
            conn.transaction(|conn| self.units[unit](tenant, conn, known))
        } else {
            self.units[unit](tenant, conn, known)
        }
    }
}

pub const RECORD_BY_ID: Script = Script::new(
    "record by delivery",
    &[|tenant, conn, _| {
        let event = tenant.event(EventType::Delivered, 20, "e1").delivery(tenant.x);
        record(tenant, conn, &[event])
    }],
);

pub const RECORD_BY_MESSAGE: Script = Script::new(
    "record by provider message",
    &[|tenant, conn, _| {
        let event = tenant
            .event(EventType::Opened, 30, "e2")
            .provider_message("ses", tenant.own("m"));
        record(tenant, conn, &[event])
    }],
);

pub const RECORD_BOTH: Script = Script::new(
    "record both in one batch",
    &[|tenant, conn, _| {
        let by_message = tenant
            .event(EventType::Opened, 30, "e2")
            .provider_message("ses", tenant.own("m"));
        let by_id = tenant.event(EventType::Delivered, 20, "e1").delivery(tenant.x);
        record(tenant, conn, &[by_message, by_id])
    }],
);

pub const RECORD_OTHER_CONTENT: Script = Script::new(
    "record other content under the same key",
    &[|tenant, conn, _| {
        let event = tenant.event(EventType::Bounced, 25, "e1").delivery(tenant.x);
        record(tenant, conn, &[event])
    }],
);

pub const INSERT: Script = Script::new("insert with id and key", &[insert]);

pub const INSERT_WITHOUT_KEY: Script = Script::new(
    "insert with id, without key",
    &[|tenant, conn, _| Ok(tenant.describe(&tenant.delivery().id(tenant.x).insert(conn)?.into_delivery()))],
);

pub const INSERT_SENT: Script = Script::new(
    "insert with key and provider message",
    &[|tenant, conn, _| {
        let delivery = tenant.delivery().provider("ses").provider_message_id(tenant.own("m"));
        Ok(tenant.describe(&delivery.idempotency_key(tenant.own("k")).insert(conn)?.into_delivery()))
    }],
);

pub const INSERT_ALL: Script = Script::new(
    "insert_all",
    &[|tenant, conn, _| insert_all(tenant, conn, &both(tenant))],
);

pub const INSERT_ALL_REVERSED: Script = Script::new(
    "insert_all in the opposite order",
    &[|tenant, conn, _| {
        let [x, y] = both(tenant);
        insert_all(tenant, conn, &[y, x])
    }],
);

pub const MARK_DISPATCHED: Script = Script::new(
    "find, mark_dispatched",
    &[find, |tenant, conn, known| {
        let Some(known) = known else {
            return Ok("nothing".to_owned());
        };
        let marked = known.mark_dispatched(conn, "ses", tenant.own("m"), at(10))?;
        Ok(tenant.describe(&marked))
    }],
);

/// [`MARK_DISPATCHED`] without its row, which has the early event only if no sweep has locked the link.
pub const DISPATCH_EARLY: Script = Script::new(
    "find, mark_dispatched with an early event",
    &[find, |tenant, conn, known| {
        if let Some(known) = known {
            known.mark_dispatched(conn, "ses", tenant.own("m"), at(10))?;
        }
        Ok("dispatched".to_owned())
    }],
);

pub const MARK_SUPPRESSED: Script = Script::new(
    "find, mark_suppressed",
    &[find, |tenant, conn, known| {
        let Some(known) = known else {
            return Ok("nothing".to_owned());
        };
        Ok(tenant.describe(&known.mark_suppressed(conn, None, at(11))?))
    }],
);

pub const UPDATE: Script = Script::new(
    "find, update",
    &[find, |tenant, conn, known| {
        let Some(known) = known else {
            return Ok("nothing".to_owned());
        };
        let changes = DeliveryChanges {
            metadata: Some(json!({ "updated": true })),
            ..DeliveryChanges::default()
        };
        Ok(tenant.describe(&known.update(conn, &changes)?))
    }],
);

/// A sweep skips rows that another sweep has locked, so its counts may be smaller than in any serial order. The comparison
/// of the tables covers the linked events.
pub const SWEEP: Script = Script::new(
    "sweep",
    &[|tenant, conn, _| swept(tenant, conn, SweepOptions::all_tenants().max_age)],
);

pub const EXPIRE: Script = Script::new("expire", &[|tenant, conn, _| swept(tenant, conn, Duration::ZERO)]);

pub const REBUILD: Script = Script::new(
    "rebuild",
    &[|tenant, conn, _| Ok(tenant.describe(&projection::rebuild(conn, &tenant.name, tenant.x)?))],
);

pub const REPAIR: Script = Script::new(
    "repair",
    &[|tenant, conn, _| Ok(format!("{} repaired", projection::repair(conn, &tenant.name)?))],
);

pub const REBUILD_ALL: Script = Script::new(
    "rebuild_all",
    &[|tenant, conn, _| Ok(format!("{} corrected", projection::rebuild_all(conn, &tenant.name)?))],
);

pub const DELETE: Script = Script::new("delete", &[delete]);

pub const DELETE_AND_INSERT: Script = Script::new("delete, insert again", &[delete, insert]);

pub const MIGRATE: Script = Script::new(
    "migrations::run",
    &[|_, conn, _| Ok(format!("{:?}", mailglass::migrations::run(conn)?))],
);

pub const ALL: [Script; 20] = [
    RECORD_BY_ID,
    RECORD_BY_MESSAGE,
    RECORD_BOTH,
    RECORD_OTHER_CONTENT,
    INSERT,
    INSERT_WITHOUT_KEY,
    INSERT_SENT,
    INSERT_ALL,
    INSERT_ALL_REVERSED,
    MARK_DISPATCHED,
    MARK_SUPPRESSED,
    UPDATE,
    SWEEP,
    EXPIRE,
    REBUILD,
    REPAIR,
    REBUILD_ALL,
    DELETE,
    DELETE_AND_INSERT,
    MIGRATE,
];

fn record(tenant: &Tenant, conn: &mut PgConnection, events: &[mailglass::NewEvent]) -> Result<String> {
    let answers: Vec<String> = ledger::record(conn, events)?
        .iter()
        .map(|answer| {
            let what = if answer.is_replay() { "replayed" } else { "recorded" };
            format!("{what} {}", tenant.describe_event(answer.event()))
        })
        .collect();
    Ok(answers.join("; "))
}

fn insert(tenant: &Tenant, conn: &mut PgConnection, _: &mut Option<Delivery>) -> Result<String> {
    let delivery = tenant.delivery().id(tenant.x).idempotency_key(tenant.own("k"));
    Ok(tenant.describe(&delivery.insert(conn)?.into_delivery()))
}

fn both(tenant: &Tenant) -> [NewDelivery; 2] {
    let y = tenant.delivery().id(tenant.y).idempotency_key(tenant.own("l"));
    [tenant.delivery().id(tenant.x).idempotency_key(tenant.own("k")), y]
}

fn insert_all(tenant: &Tenant, conn: &mut PgConnection, deliveries: &[NewDelivery]) -> Result<String> {
    let answers: Vec<String> = NewDelivery::insert_all(conn, deliveries)?
        .iter()
        .map(|inserted| {
            let what = match inserted {
                Inserted::Created(_) => "created",
                Inserted::Replayed(_) => "replayed",
            };
            format!("{what} {}", tenant.describe(inserted.delivery()))
        })
        .collect();
    Ok(answers.join("; "))
}

fn find(tenant: &Tenant, conn: &mut PgConnection, known: &mut Option<Delivery>) -> Result<String> {
    match Delivery::find(conn, &tenant.name, tenant.x) {
        Ok(delivery) => *known = Some(delivery),
        Err(Error::NotFound { .. }) => *known = None,
        Err(error) => return Err(error),
    }
    Ok("found".to_owned())
}

fn swept(tenant: &Tenant, conn: &mut PgConnection, max_age: Duration) -> Result<String> {
    let wanted = SweepOptions {
        tenants: Tenants::Only(tenant.name.clone()),
        grace: Duration::ZERO,
        max_age,
        ..SweepOptions::all_tenants()
    };
    sweep(conn, &wanted)?;
    Ok("swept".to_owned())
}

fn delete(tenant: &Tenant, conn: &mut PgConnection, _: &mut Option<Delivery>) -> Result<String> {
    let row = mailglass_deliveries::table.find(tenant.x);
    let deleted = diesel::delete(row).execute(conn)?;
    Ok(format!("{deleted} deleted"))
}
