//! The rows that exist before the calls begin.

use diesel::prelude::*;
use mailglass::schema::mailglass_deliveries;
use mailglass::{EventType, ledger};

use super::tenant::Tenant;

#[derive(Clone, Copy, Debug)]
pub enum Start {
    Nothing,
    /// The delivery X, which is not dispatched.
    Delivery,
    /// Two orphans: one names X by its id, the other names a provider message.
    Orphans,
    /// The delivery X, which is not dispatched, and an orphan that names its future provider message.
    Early,
    /// X was inserted, got an event, and was deleted. Its two events remain in the ledger.
    Deleted,
}

impl Start {
    pub const ALL: [Start; 5] = [
        Start::Nothing,
        Start::Delivery,
        Start::Orphans,
        Start::Early,
        Start::Deleted,
    ];

    pub fn prepare(self, tenant: &Tenant, conn: &mut PgConnection) {
        let insert = |conn: &mut PgConnection| {
            let delivery = tenant.delivery().id(tenant.x).idempotency_key(tenant.own("k"));
            delivery.insert(conn).unwrap();
        };
        match self {
            Start::Nothing => {}
            Start::Delivery => insert(conn),
            Start::Orphans => {
                let by_id = tenant.event(EventType::Sent, 15, "o1").delivery(tenant.x);
                let by_message = tenant.event(EventType::Clicked, 40, "o2");
                let by_message = by_message.provider_message("ses", tenant.own("m"));
                ledger::record(conn, &[by_id, by_message]).unwrap();
            }
            Start::Early => {
                insert(conn);
                let by_message = tenant.event(EventType::Clicked, 40, "o2");
                let by_message = by_message.provider_message("ses", tenant.own("m"));
                ledger::record(conn, &[by_message]).unwrap();
            }
            Start::Deleted => {
                insert(conn);
                let event = tenant.event(EventType::Sent, 15, "o1").delivery(tenant.x);
                ledger::record(conn, &[event]).unwrap();
                let row = mailglass_deliveries::table.find(tenant.x);
                diesel::delete(row).execute(conn).unwrap();
            }
        }
    }
}
