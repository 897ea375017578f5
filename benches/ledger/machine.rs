//! Describes the machine and the settings of the server.

use std::thread;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

pub fn line(conn: &mut PgConnection) -> String {
    let settings = ["fsync", "synchronous_commit", "full_page_writes", "shared_buffers"];
    let shown = settings
        .map(|setting| format!("'{setting}=' || current_setting('{setting}')"))
        .join(" || ', ' || ");
    let query = format!("SELECT 'PostgreSQL ' || current_setting('server_version') || ', ' || {shown} AS line");
    let server: Line = sql_query(query)
        .get_result(conn)
        .expect("the server's settings should be read");
    let cores = thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} cores, {}", server.line)
}
