//! `mailglass::allow_tables_to_appear_in_same_query!` exists because Diesel's macro implements its trait for types of which
//! none belongs to the application.

use mailglass::schema::mailglass_deliveries;

diesel::table! {
    orders (id) {
        id -> Integer,
        delivery_id -> Uuid,
    }
}

diesel::allow_tables_to_appear_in_same_query!(orders, mailglass_deliveries); //~ E0117 only traits defined in the current crate can be implemented for types defined outside of the crate

fn main() {}
