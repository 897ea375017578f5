//! Versions of three numbers. A pre-release such as `0.2.0-alpha.1` counts as the release that it precedes.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    major: u64,
    minor: u64,
    patch: u64,
}

impl Version {
    pub(crate) fn parse(text: &str) -> Option<Version> {
        let mut numbers = text.split('.').map(number);
        let version = Version {
            major: numbers.next()??,
            minor: numbers.next()??,
            patch: numbers.next()??,
        };
        numbers.next().is_none().then_some(version)
    }

    /// The version in `CARGO_PKG_VERSION`.
    pub(crate) fn of_crate(text: &str) -> Option<Version> {
        Version::parse(text.split(['-', '+']).next()?)
    }

    /// The first version that may break what `self` promised.
    pub(crate) fn next_breaking(self) -> Version {
        let Version { major, minor, patch } = self;
        let next = |major, minor, patch| Version { major, minor, patch };
        match (major, minor) {
            (0, 0) => next(0, 0, patch.saturating_add(1)),
            (0, _) => next(0, minor.saturating_add(1), 0),
            _ => next(major.saturating_add(1), 0, 0),
        }
    }
}

/// A number without leading zeros or signs.
fn number(digits: &str) -> Option<u64> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    plain.then(|| digits.parse().ok()).flatten()
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}
