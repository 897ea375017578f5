//! One tenant or all.

/// The tenants that a call works on. [`Tenants::All`] is the only way to cross tenants, so that a search finds every such call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tenants {
    /// All tenants.
    All,
    /// This tenant.
    Only(String),
}

impl Tenants {
    /// The tenant, unless it is all of them.
    pub fn only(&self) -> Option<&str> {
        match self {
            Tenants::All => None,
            Tenants::Only(tenant_id) => Some(tenant_id),
        }
    }
}
