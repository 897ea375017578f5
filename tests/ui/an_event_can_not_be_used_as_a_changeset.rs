use diesel::prelude::*;
use mailglass::Event;
use mailglass::schema::mailglass_events;

fn change(event: &Event, conn: &mut PgConnection) {
    let _ = diesel::update(mailglass_events::table).set(event).execute(conn); //~ E0277
}

fn main() {}
