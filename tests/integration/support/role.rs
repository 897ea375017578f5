//! Roles of the database.

use diesel::prelude::*;
use diesel::sql_query;
use mailglass::roles::{self, Access};

use super::database::{Address, connect};

/// A role with a unique name, which is dropped with the value.
pub struct Role<'a> {
    pub name: String,
    database: &'a dyn Address,
}

impl<'a> Role<'a> {
    pub fn create(database: &'a dyn Address) -> Self {
        Role::named(database, format!("Mail \"glass\" {}", uuid::Uuid::now_v7().simple()))
    }

    pub fn named(database: &'a dyn Address, name: String) -> Self {
        let role = Role { name, database };
        role.execute(&format!("CREATE ROLE {}", role.quoted()));
        role
    }

    /// A role that was granted this access.
    pub fn with(database: &'a dyn Address, access: Access) -> Self {
        let role = Role::create(database);
        roles::grant(&mut connect(database), &role.name, access).unwrap();
        role
    }

    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.name.replace('"', "\"\""))
    }

    pub fn connect(&self) -> PgConnection {
        let mut conn = connect(self.database);
        sql_query(format!("SET ROLE {}", self.quoted()))
            .execute(&mut conn)
            .unwrap();
        conn
    }

    pub fn execute(&self, statement: &str) {
        let executed = sql_query(statement).execute(&mut connect(self.database));
        assert!(executed.is_ok(), "{statement}: {executed:?}");
    }
}

impl Drop for Role<'_> {
    fn drop(&mut self) {
        self.execute(&format!("DROP OWNED BY {}", self.quoted()));
        self.execute(&format!("DROP ROLE {}", self.quoted()));
    }
}
