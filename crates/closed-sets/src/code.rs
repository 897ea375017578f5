//! The stable codes of findings.

use std::fmt;

macro_rules! codes {
    ($($(#[doc = $meaning:literal])+ $name:ident = $number:literal,)+) => {
        /// A finding's stable code, such as `MG004`.
        ///
        /// The texts of findings may change from release to release. A code keeps its meaning and is never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $meaning])+ $name = $number,)+
        }

        impl Code {
            /// Every code, in the order of their numbers.
            pub const ALL: &'static [Code] = &[$(Code::$name),+];

            /// One sentence that says what the code stands for.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Code::$name => concat!($($meaning),+).trim_start(),)+
                }
            }
        }
    };
}

codes! {
    /// A file is missing, is not UTF-8, or contains an invisible character.
    Unreadable = 1,
    /// A marker, a table or a cell of the manifest is malformed.
    Syntax = 2,
    /// A set is missing, unknown or duplicated in the manifest, the Rust files or the migrations.
    Set = 3,
    /// A label or a variant of the manifest is not in the Rust enum.
    NotInRust = 4,
    /// A variant of the Rust enum is not in the manifest.
    NotInManifest = 5,
    /// A label of the manifest is not in the PostgreSQL enum that the migrations create.
    MigrationsBehind = 6,
    /// A label of the PostgreSQL enum that the migrations create is not in the manifest.
    MigrationsAhead = 7,
    /// A label or a variant is listed twice in one place.
    Doubled = 8,
    /// Two places list the same labels in a different order.
    Order = 9,
    /// A label is listed beside a variant whose label is another one.
    OtherLabel = 10,
    /// A version is malformed or newer than the crate.
    Version = 11,
    /// A version contradicts another version or a release.
    Contradiction = 12,
    /// A value or a name that the manifest lists as removed still exists.
    LiveTombstone = 13,
    /// A label is too long for PostgreSQL.
    BadLabel = 14,
    /// The check does not understand the source of a Rust enum.
    Rust = 15,
    /// The check does not understand a statement of a migration.
    Sql = 16,
    /// A migration uses a label that it adds itself.
    UsedWhereAdded = 17,
    /// The manifest lacks something that a release promised.
    ReleasedGone = 18,
    /// A change breaks the last release, but the crate's version does not allow breaking changes.
    NotBreaking = 19,
    /// The file of a frozen release is malformed or was edited.
    Frozen = 20,
    /// A value is deprecated either in the manifest or in the Rust enum, but not in both.
    Deprecation = 21,
    /// The migrations do not create the object that a promised name stands for.
    NotLeft = 22,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MG{:03}", *self as u8)
    }
}
