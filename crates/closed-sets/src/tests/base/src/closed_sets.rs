//! The sets, which `DbEnum` maps.

use diesel_derive_enum::DbEnum;

/// A colour.
#[derive(DbEnum, Clone, Copy, Debug)]
#[db_enum(existing_type_path = "sql_types::Paint")]
pub enum Paint {
    /// Red.
    Red,
    Green,
    #[deprecated]
    DarkBlue,
    Lime,
}

#[derive(Clone, Copy, DbEnum)]
#[db_enum(existing_type_path = "crate::schema::sql_types::Finish", value_style = "snake_case")]
pub enum Finish {
    Matt = 1,
    Gloss = 2,
    #[db_enum(rename = "satin")]
    Satin,
}

pub struct Other {
    pub field: u8,
}
