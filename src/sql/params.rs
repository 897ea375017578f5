//! The rows of a batch as array parameters.

use diesel::pg::Pg;
use diesel::query_builder::AstPass;
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{HasSqlType, Text};

/// What the first CTE of a [`Statement`](super::Statement) selects.
pub(crate) trait Params {
    /// The columns of the CTE.
    const COLUMNS: &'static [&'static str];

    /// Pushes the query of the CTE.
    fn push<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

/// [`Params`] with rows.
pub(crate) trait Rows: Params {
    /// Pushes a query of the first row alone, as scalars.
    fn push_first<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

/// The first row of [`Params`]. Scalars take less time than arrays, which have to be built and unnested.
pub(crate) struct First<P>(pub(crate) P);

impl<P: Rows> Params for First<P> {
    const COLUMNS: &'static [&'static str] = P::COLUMNS;

    fn push<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.push_first(out)
    }
}

/// The column of a field. As in the schema that Diesel writes, a Rust keyword has an underscore at its end.
pub(crate) const fn column_of(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [.., b'_'] => field.split_at(field.len() - 1).0,
        _ => field,
    }
}

/// A SELECT of bound values, each with the name of its column.
pub(crate) struct Select<'a, 'b> {
    out: AstPass<'a, 'b, Pg>,
    indent: &'static str,
    separator: &'static str,
}

impl<'a, 'b> Select<'a, 'b> {
    /// A SELECT that turns arrays into rows, given as values.
    ///
    /// Postgres uses a generic plan only if its estimated cost is not higher than that of custom plans. For `unnest($1)` it
    /// estimates ten rows in a generic plan, but the length of the array in a custom plan. A single event would then be planned
    /// on every call, which takes ten times as long as appending it. The subquery with OFFSET 0 hides the arrays, so that both
    /// plans expect ten rows. In the SELECT list the arrays are unnested in step, without copies (as
    /// `FROM unnest($1, $2, …)` makes).
    pub(crate) fn rows(
        mut out: AstPass<'a, 'b, Pg>,
        columns: &'static [&'static str],
        arrays: impl FnOnce(&mut Self) -> QueryResult<()>,
    ) -> QueryResult<()> {
        out.push_sql("    SELECT");
        let mut separator = "";
        for column in columns {
            out.push_sql(separator);
            out.push_sql("\n        pg_catalog.unnest(");
            out.push_sql(column);
            out.push_sql(") AS ");
            out.push_sql(column);
            separator = ",";
        }
        out.push_sql("\n    FROM (\n        SELECT");
        let mut select = Select {
            out,
            indent: "\n            ",
            separator: "",
        };
        arrays(&mut select)?;
        select.out.push_sql("\n        OFFSET 0\n    ) AS batch");
        Ok(())
    }

    /// A SELECT of one row.
    ///
    /// OFFSET 0 hides the values, as in [`rows`](Self::rows). A custom plan would leave out the look-ups that a value makes
    /// unnecessary, and be so much cheaper than the generic one that Postgres would plan every call. Measured below the policies of
    /// row-level security: 2.1 ms instead of 0.5 ms for a `record`.
    pub(crate) fn row(
        mut out: AstPass<'a, 'b, Pg>,
        values: impl FnOnce(&mut Self) -> QueryResult<()>,
    ) -> QueryResult<()> {
        out.push_sql("    SELECT");
        let mut select = Select {
            out,
            indent: "\n        ",
            separator: "",
        };
        values(&mut select)?;
        select.out.push_sql("\n    OFFSET 0");
        Ok(())
    }

    pub(crate) fn bind<S, T>(&mut self, column: &str, value: &'b T) -> QueryResult<()>
    where
        Pg: HasSqlType<S>,
        T: ToSql<S, Pg> + ?Sized,
    {
        self.out.push_sql(self.separator);
        self.out.push_sql(self.indent);
        self.out.push_bind_param::<S, _>(value)?;
        self.out.push_sql(" AS ");
        self.out.push_sql(column);
        self.separator = ",";
        Ok(())
    }
}

/// One tenant.
pub(crate) struct Tenant<'a>(pub(crate) &'a str);

impl Params for Tenant<'_> {
    const COLUMNS: &'static [&'static str] = &["tenant_id"];

    fn push<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("    SELECT ");
        out.push_bind_param::<Text, _>(self.0)?;
        out.push_sql(" AS tenant_id");
        Ok(())
    }
}

/// Declares [`Params`] that are made from an iterator of rows: for each column its name, its SQL type, and its value in a row.
macro_rules! params {
    (
        $(#[$meta:meta])*
        $visibility:vis struct $params:ident<$lifetime:lifetime> from $row:ident: $row_type:ty $(; $binding:ident = $bound:expr;)? {
            $($field:ident: $sql_type:ty = $value:expr => $rust_type:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Default)]
        $visibility struct $params<$lifetime> {
            $($field: Vec<$crate::models::redacted::Hidden<$rust_type>>,)*
        }

        impl<$lifetime> $params<$lifetime> {
            $visibility fn new(rows: impl IntoIterator<Item = $row_type>) -> Self {
                let mut params = Self::default();
                for $row in rows {
                    $(let $binding = $bound;)?
                    $(params.$field.push($crate::models::redacted::Hidden($value));)*
                }
                params
            }
        }

        impl $crate::sql::Params for $params<'_> {
            const COLUMNS: &'static [&'static str] = &[$($crate::sql::column_of(stringify!($field))),*];

            fn push<'b>(
                &'b self,
                out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
            ) -> diesel::result::QueryResult<()> {
                $crate::sql::Select::rows(out, Self::COLUMNS, |select| {
                    $(
                        let column = $crate::sql::column_of(stringify!($field));
                        select.bind::<diesel::sql_types::Array<$sql_type>, _>(column, &self.$field)?;
                    )*
                    Ok(())
                })
            }
        }

        impl $crate::sql::Rows for $params<'_> {
            fn push_first<'b>(
                &'b self,
                out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
            ) -> diesel::result::QueryResult<()> {
                $crate::sql::Select::row(out, |select| {
                    $(
                        for value in self.$field.iter().take(1) {
                            select.bind::<$sql_type, _>($crate::sql::column_of(stringify!($field)), value)?;
                        }
                    )*
                    Ok(())
                })
            }
        }
    };
}
pub(crate) use params;

#[cfg(test)]
mod tests {
    use super::column_of;

    #[test]
    fn only_an_underscore_at_the_end_is_removed() {
        assert_eq!(["type_", "tenant_id", "id"].map(column_of), ["type", "tenant_id", "id"]);
    }
}
