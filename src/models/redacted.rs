//! `Debug` without personal data.

use std::fmt;

use diesel::expression::AsExpression;
use diesel::pg::Pg;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Jsonb;
use serde_json::Value;

/// Implements `Debug` for a struct. It names every field, so that a new one must be classified: what is hidden may hold personal
/// data, and is not printed.
macro_rules! redacted_debug {
    ($type:ident { $($shown:ident),* $(,)? } hides { $($hidden:ident),* $(,)? }) => {
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let $type { $($shown,)* $($hidden: _,)* } = self;
                f.debug_struct(stringify!($type))
                    $(.field(stringify!($shown), $shown))*
                    .finish_non_exhaustive()
            }
        }
    };
}
pub(crate) use redacted_debug;

/// A value that is bound to a statement. Diesel's instrumentation prints the values of a statement with `Debug`.
pub(crate) struct Hidden<T>(pub(crate) T);

impl<T> fmt::Debug for Hidden<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<S, T: ToSql<S, Pg>> ToSql<S, Pg> for Hidden<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

/// A JSON value that is written by a query of Diesel's.
#[derive(AsExpression)]
#[diesel(sql_type = Jsonb)]
pub(crate) struct HiddenJson<'a>(pub(crate) &'a Value);

impl fmt::Debug for HiddenJson<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hidden(self.0).fmt(f)
    }
}

impl ToSql<Jsonb, Pg> for HiddenJson<'_> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Jsonb, Pg>::to_sql(self.0, out)
    }
}
