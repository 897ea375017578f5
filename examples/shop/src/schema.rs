// @generated automatically by Diesel CLI.

diesel::table! {
    customers (id) {
        id -> Int8,
        name -> Text,
        email -> Text,
    }
}

diesel::table! {
    orders (id) {
        id -> Int8,
        customer_id -> Int8,
        item -> Text,
        cents -> Int8,
        delivery_id -> Nullable<Uuid>,
        placed_at -> Timestamptz,
    }
}

diesel::joinable!(orders -> customers (customer_id));

diesel::allow_tables_to_appear_in_same_query!(customers, orders,);
