//! Credentials that the application invents and gives to the provider, for providers that sign nothing.

use std::fmt;

use data_encoding::BASE64;

use crate::verifier::{Clock, Verifier, any, sealed};
use crate::{KeyError, Provider, Request, VerificationError, secret};

/// A secret that the provider sends with each request. `Debug` does not print it.
#[derive(Clone)]
pub struct Credential(Kind);

#[derive(Clone)]
enum Kind {
    Header { name: String, value: Vec<u8> },
    Path(String),
}

impl Credential {
    /// HTTP basic authentication: configure the URL `https://user:password@host/…` at the provider.
    pub fn basic(user: impl AsRef<str>, password: impl AsRef<str>) -> Result<Self, KeyError> {
        let (user, password) = (user.as_ref(), password.as_ref());
        not_empty("the password", password)?;
        if user.contains(':') {
            return Err(KeyError::Malformed {
                what: "the user",
                message: "can't contain a colon",
            });
        }
        let value = format!("Basic {}", BASE64.encode(format!("{user}:{password}").as_bytes()));
        Self::header("Authorization", value)
    }

    /// A bearer token in the `Authorization` header.
    pub fn bearer(token: impl AsRef<str>) -> Result<Self, KeyError> {
        not_empty("the token", token.as_ref())?;
        Self::header("Authorization", format!("Bearer {}", token.as_ref()))
    }

    /// A header with a secret value.
    pub fn header(name: impl Into<String>, value: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let value = value.as_ref().to_vec();
        if value.is_empty() {
            return Err(KeyError::Empty("the header's value"));
        }
        Ok(Credential(Kind::Header {
            name: name.into(),
            value,
        }))
    }

    /// A path that nobody can guess, such as `/webhooks/brevo/d2f1…`. It must be the whole path, without the query.
    pub fn path(path: impl Into<String>) -> Result<Self, KeyError> {
        let path = path.into();
        if path.len() < "/".len() + 16 || !path.starts_with('/') {
            return Err(KeyError::Malformed {
                what: "the path",
                message: "must begin with a slash and have a secret of at least 16 characters",
            });
        }
        Ok(Credential(Kind::Path(path)))
    }

    fn fits(&self, request: &Request<'_>) -> bool {
        match &self.0 {
            Kind::Header { name, value } => {
                let given = request.value(name).unwrap_or_default();
                let same_scheme = |given: &[u8]| -> Vec<u8> {
                    // The scheme of a credential is case-insensitive (RFC 9110, section 11.1).
                    let mut given = given.to_vec();
                    if name.eq_ignore_ascii_case("Authorization") {
                        let scheme = given.iter().position(|byte| *byte == b' ').unwrap_or(0);
                        given[..scheme].make_ascii_lowercase();
                    }
                    given
                };
                secret::equal(&same_scheme(value), &same_scheme(given))
            }
            Kind::Path(path) => secret::equal(path.as_bytes(), request.path().as_bytes()),
        }
    }
}

fn not_empty(what: &'static str, text: &str) -> Result<(), KeyError> {
    if text.is_empty() {
        Err(KeyError::Empty(what))
    } else {
        Ok(())
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Header { .. } => "Credential(header)",
            Kind::Path(_) => "Credential(path)",
        })
    }
}

/// Verifies the requests of any provider by a credential. Each of them suffices, so that a new one can be configured before
/// the old one is removed.
#[derive(Clone, Debug)]
pub struct Credentials {
    provider: Provider,
    credentials: Vec<Credential>,
}

impl Credentials {
    /// Verifies a provider's requests by these credentials.
    ///
    /// # Errors
    /// [`KeyError::None`]: there is no credential.
    pub fn new(provider: Provider, credentials: impl IntoIterator<Item = Credential>) -> Result<Self, KeyError> {
        let credentials: Vec<_> = credentials.into_iter().collect();
        if credentials.is_empty() {
            Err(KeyError::None("credential"))
        } else {
            Ok(Credentials { provider, credentials })
        }
    }
}

impl sealed::Verify for Credentials {
    fn verify(&self, request: &Request<'_>, _: &Clock) -> Result<(), VerificationError> {
        any(&self.credentials, "the credential", |credential| {
            credential.fits(request)
        })
    }
}

impl Verifier for Credentials {
    fn provider(&self) -> Provider {
        self.provider
    }
}
