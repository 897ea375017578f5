use diesel::prelude::*;
use mailglass::NewDelivery;
use mailglass::schema::mailglass_deliveries;

// The delivery would lack its first event.
fn insert(delivery: &NewDelivery, conn: &mut PgConnection) {
    let _ = diesel::insert_into(mailglass_deliveries::table).values(delivery).execute(conn); //~ E0277
}

fn main() {}
