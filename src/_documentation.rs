//! Longer documents: the design, the promises, tenants and roles, sending, retention, the form of checkpoints, and how to share a database
//! with the Elixir library.
//!
//! The same files are in the repository and in the package.

// Relative links in these files are reference links. The definitions before a file take precedence over those at its end, so
// that here the links lead to pages of the API documentation. An empty line must precede them: a definition cannot interrupt
// a paragraph.

/// The design of mailglass: its terms, rules and layout, and the reasons for them.
pub mod design {
    //!
    //! [readme]: crate
    //! [stability]: crate::_documentation::stability
    //! [elixir]: crate::_documentation::elixir
    #![doc = include_str!("../DESIGN.md")]
}

/// What a release promises about the closed sets and the names in the database.
pub mod stability {
    //!
    #![doc = include_str!("../api_stability.md")]
}

/// How tenants are separated, and which rights each database role needs.
pub mod tenants {
    //!
    #![doc = include_str!("../docs/tenants.md")]
}

/// How deliveries are sent: the time line of an attempt, each point of failure, and the idempotency keys of providers.
pub mod sending {
    //!
    #![doc = include_str!("../docs/sending.md")]
}

/// What checkpoints of the ledger reveal, when they are final, their form byte by byte, and their cost.
pub mod checkpoints {
    //!
    #![doc = include_str!("../docs/checkpoints.md")]
}

/// How an application that uses the Elixir library works on the same tables.
pub mod elixir {
    //!
    #![doc = include_str!("../docs/elixir.md")]
}

/// How old deliveries leave: the steps, the locks, what is rejected, and the figures.
pub mod retention {
    //!
    //! [stability]: crate::_documentation::stability
    #![doc = include_str!("../docs/retention.md")]
}

/// The notable changes of each release.
pub mod changelog {
    //!
    //! [stability]: crate::_documentation::stability
    //! [elixir]: crate::_documentation::elixir
    #![doc = include_str!("../CHANGELOG.md")]
}
