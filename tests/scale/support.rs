//! Distributed schemas, and their workers.

use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};
use test_support::citus::{Schema, VARIABLE};

pub use test_support::citus::Migrated;

pub fn coordinator() -> String {
    test_support::citus::coordinator()
        .unwrap_or_else(|| panic!("{VARIABLE} must name the database of a Citus coordinator; see tests/scale/main.rs"))
}

/// A migrated and distributed schema, and a connection to it.
pub fn connected(migrated: Migrated) -> (Schema, PgConnection) {
    let schema = Schema::create(&coordinator(), migrated);
    let conn = PgConnection::establish(schema.url()).unwrap();
    (schema, conn)
}

/// The shard of a table, with its schema, and the node that has it.
pub struct Shard {
    pub name: String,
    pub host: String,
    pub port: i32,
}

impl Shard {
    pub fn of(conn: &mut PgConnection, table: &str) -> Shard {
        let shards = format!("citus_shards WHERE table_name = '{table}'::regclass");
        let text = |conn: &mut PgConnection, column: &str| -> String {
            diesel::select(sql::<Text>(&format!("(SELECT {column} FROM {shards})")))
                .get_result(conn)
                .unwrap()
        };
        Shard {
            name: text(conn, "shard_name"),
            host: text(conn, "nodename"),
            port: diesel::select(sql::<Integer>(&format!("(SELECT nodeport FROM {shards})")))
                .get_result(conn)
                .unwrap(),
        }
    }

    /// A connection to the node that has the shard, as a superuser who may change shards.
    pub fn connect_to_worker(&self) -> PgConnection {
        let coordinator = url_parts(&coordinator());
        let url = format!(
            "postgresql://{}{}:{}/{}",
            coordinator.user, self.host, self.port, coordinator.database
        );
        let mut conn = PgConnection::establish(&url).unwrap();
        conn.batch_execute("SET citus.enable_manual_changes_to_shards = on")
            .unwrap();
        conn
    }
}

/// Another node that can have shards.
pub fn other_node(conn: &mut PgConnection, shard: &Shard) -> (String, i32) {
    let node = format!(
        "FROM pg_dist_node WHERE shouldhaveshards AND (nodename, nodeport) <> ('{}', {}) LIMIT 1",
        shard.host, shard.port
    );
    let host = diesel::select(sql::<Text>(&format!("(SELECT nodename {node})")))
        .get_result(conn)
        .unwrap();
    let port = diesel::select(sql::<Integer>(&format!("(SELECT nodeport {node})")))
        .get_result(conn)
        .unwrap();
    (host, port)
}

/// Moves a schema to another node.
pub fn move_away(conn: &mut PgConnection, schema: &Schema) {
    let shard = Shard::of(conn, "mailglass_events");
    let (host, port) = other_node(conn, &shard);
    // A function that moves shards must be the only statement of its transaction.
    conn.batch_execute(&format!(
        "SELECT citus_schema_move('{}', '{host}', {port})",
        schema.name()
    ))
    .unwrap();
}

struct UrlParts {
    /// With its `@`, or empty.
    user: String,
    database: String,
}

fn url_parts(url: &str) -> UrlParts {
    let (_, rest) = url.split_once("://").expect("a URL");
    let (authority, path) = rest.split_once('/').expect("a URL with a database");
    let user = authority
        .split_once('@')
        .map_or(String::new(), |(user, _)| format!("{user}@"));
    UrlParts {
        user,
        database: path.split('?').next().unwrap_or_default().to_owned(),
    }
}
