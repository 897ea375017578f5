//! Macros that let an application's tables appear in one query with ours.

/// Lets a table of yours be joined with a table of this crate's by a foreign key, as
/// [`diesel::joinable!`] does for your own.
///
/// Diesel's [`allow_tables_to_appear_in_same_query!`](diesel::allow_tables_to_appear_in_same_query) does not compile for a
/// table of another crate (E0117), because it also implements `TableNotEqual` for `Only<…>` and `Tablesample<…>` of that table.
/// This macro writes what a pair of tables needs.
///
/// The foreign key is a column of yours that holds the id of a delivery, an event, or an event link. It may be nullable.
///
/// ```
/// use diesel::prelude::*;
/// use mailglass::Delivery;
/// use mailglass::schema::mailglass_deliveries;
///
/// diesel::table! {
///     orders (id) {
///         id -> Integer,
///         delivery_id -> Nullable<Uuid>,
///     }
/// }
///
/// mailglass::joinable!(orders -> mailglass_deliveries (delivery_id));
///
/// # test_support::with_database(|conn| {
/// # diesel::sql_query("CREATE TABLE orders (id integer PRIMARY KEY, delivery_id uuid)").execute(conn)?;
/// // Orders, each with its confirmation mail, if one was sent.
/// let orders: Vec<(i32, Option<Delivery>)> = orders::table
///     .left_join(mailglass_deliveries::table)
///     .select((orders::id, Option::<Delivery>::as_select()))
///     .load(conn)?;
/// # assert!(orders.is_empty());
/// # Ok(())
/// # });
/// ```
#[macro_export]
macro_rules! joinable {
    ($child:ident -> $parent:ident ($foreign_key:ident) $(,)?) => {
        const _: () = {
            use $crate::schema::$parent;
            ::diesel::joinable! { $child -> $parent ($foreign_key) }
        };
        $crate::allow_tables_to_appear_in_same_query!($child, $parent);
    };
}

/// Lets a table of yours appear in one query with a table of this crate's, such as in a subquery or a join with an explicit
/// ON clause. [`joinable!`] includes it.
///
/// ```
/// use diesel::prelude::*;
/// use mailglass::schema::mailglass_events;
///
/// diesel::table! {
///     orders (id) {
///         id -> Integer,
///         delivery_id -> Nullable<Uuid>,
///     }
/// }
///
/// mailglass::allow_tables_to_appear_in_same_query!(orders, mailglass_events);
///
/// # test_support::with_database(|conn| {
/// # diesel::sql_query("CREATE TABLE orders (id integer PRIMARY KEY, delivery_id uuid)").execute(conn)?;
/// let opened: Vec<i32> = orders::table
///     .inner_join(mailglass_events::table.on(mailglass_events::delivery_id.eq(orders::delivery_id)))
///     .filter(mailglass_events::type_.eq(mailglass::EventType::Opened))
///     .select(orders::id)
///     .load(conn)?;
/// # assert!(opened.is_empty());
/// # Ok(())
/// # });
/// ```
#[macro_export]
macro_rules! allow_tables_to_appear_in_same_query {
    ($own:ident, $ours:ident $(,)?) => {
        const _: () = {
            use $crate::schema::$ours;
            impl ::diesel::query_source::TableNotEqual<$own::table> for $ours::table {}
            impl ::diesel::query_source::TableNotEqual<$ours::table> for $own::table {}
        };
    };
}
