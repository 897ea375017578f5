//! postgres-es, the PostgreSQL store of cqrs-es: its own table of events, one aggregate for each delivery.
//!
//! The whole batch is one `persist`, which is one transaction with one INSERT for each event. An application that executes
//! commands has one transaction for each aggregate and reads its events first, so it is slower. The store has no idempotency
//! keys: the key is part of the metadata.

use std::collections::HashMap;
use std::convert::Infallible;
use std::error::Error;
use std::ops::Range;

use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{PersistedEventRepository, SerializedEvent};
use cqrs_es::{Aggregate, DomainEvent};
use postgres_es::PostgresEventRepository;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgPool;

use crate::{Timed, timed, webhook};

/// The store's table, as `db/init.sql` of postgres-es creates it.
const TABLE: &str = "
    CREATE TABLE events (
        aggregate_type text NOT NULL,
        aggregate_id text NOT NULL,
        sequence bigint CHECK (sequence >= 0) NOT NULL,
        event_type text NOT NULL,
        event_version text NOT NULL,
        payload json NOT NULL,
        metadata json NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, sequence)
    )";

pub struct EventStore {
    repository: PostgresEventRepository,
    /// The number of events of each delivery.
    lengths: HashMap<usize, usize>,
}

impl EventStore {
    pub async fn new(pool: PgPool) -> Result<EventStore, Box<dyn Error>> {
        sqlx::query(TABLE).execute(&pool).await?;
        Ok(EventStore {
            repository: PostgresEventRepository::new(pool),
            lengths: HashMap::new(),
        })
    }

    pub async fn insert(&mut self, numbers: Range<usize>) -> Timed {
        let events: Vec<SerializedEvent> = numbers.map(|number| self.event(number)).collect();
        timed(self.repository.persist::<Delivery>(&events, None)).await
    }

    fn event(&mut self, number: usize) -> SerializedEvent {
        let delivery = webhook::delivery(number, webhook::DELIVERIES);
        let sequence = self.lengths.entry(delivery).or_default();
        *sequence += 1;
        let mut metadata = webhook::metadata(number, delivery);
        metadata["tenant_id"] = json!(webhook::TENANT);
        metadata["occurred_at"] = json!(webhook::occurred_at(number).to_rfc3339());
        metadata["idempotency_key"] = json!(webhook::idempotency_key(number));
        SerializedEvent::new(
            webhook::delivery_id(delivery).to_string(),
            *sequence,
            Delivery::TYPE.to_owned(),
            webhook::TYPES[number % webhook::TYPES.len()].to_owned(),
            "1.0".to_owned(),
            webhook::normalized_payload(number),
            metadata,
        )
    }
}

/// The aggregate. It is only named: the repository inserts serialized events.
#[derive(Default, Serialize, Deserialize)]
struct Delivery;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Reported;

impl DomainEvent for Reported {
    fn event_type(&self) -> String {
        "reported".to_owned()
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

impl Aggregate for Delivery {
    const TYPE: &'static str = "delivery";
    type Command = ();
    type Event = Reported;
    type Error = Infallible;
    type Services = ();

    async fn handle(&mut self, (): (), (): &(), _: &EventSink<Self>) -> Result<(), Infallible> {
        Ok(())
    }

    fn apply(&mut self, _: Reported) {}
}
