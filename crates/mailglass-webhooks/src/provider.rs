//! The providers.

use std::fmt;
use std::str::FromStr;

use crate::Result;
#[cfg(feature = "samples")]
use chrono::{DateTime, Utc};

use crate::draft::Input;
use crate::mapping::Facts;
use crate::received::Received;
use crate::request::Request;
use crate::webhook::Verified;
#[cfg(feature = "samples")]
use crate::{KeyError, Sample};

/// Declares a provider for each module: its variant, its feature and its name.
macro_rules! providers {
    ($($(#[$doc:meta])* $variant:ident $module:ident $name:literal,)*) => {
        /// An e-mail provider. Each variant needs the feature of its name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Provider {
            $($(#[$doc])* #[cfg(feature = $name)] $variant,)*
        }

        impl Provider {
            /// The providers whose features are enabled, in the order of their names.
            pub const ALL: &'static [Provider] = &[$(#[cfg(feature = $name)] Provider::$variant,)*];

            /// The name of its feature and module, such as `sendgrid`. It is also the `provider` of its events.
            pub fn name(self) -> &'static str {
                match self {
                    $(#[cfg(feature = $name)] Provider::$variant => $name,)*
                }
            }

            /// What is known of the provider's webhooks: the mapping of its events, its message id and its signature.
            pub fn facts(self) -> &'static Facts {
                match self {
                    $(#[cfg(feature = $name)] Provider::$variant => &crate::$module::FACTS,)*
                }
            }

            /// Signs a body as the provider does.
            ///
            /// `secret` is what verifies it: the signing key, a private key as PEM (PKCS#8), or `user:password` for a provider
            /// that signs nothing. `url` is the one to which it is sent; Mandrill signs it.
            ///
            /// # Errors
            /// The secret is not of the form that the provider uses.
            #[cfg(feature = "samples")]
            pub fn sign(self, secret: &str, url: &str, body: &[u8], now: DateTime<Utc>) -> std::result::Result<Sample, KeyError> {
                match self {
                    $(#[cfg(feature = $name)] Provider::$variant => crate::$module::sign(secret, url, body, now),)*
                }
            }

            /// The body of a request as in the provider's documentation, with one or more events.
            #[cfg(feature = "samples")]
            pub fn sample_body(self) -> &'static str {
                match self {
                    $(#[cfg(feature = $name)] Provider::$variant => crate::$module::SAMPLE,)*
                }
            }

            pub(crate) fn normalize(self, input: &Input<'_>) -> Result<Vec<Received>> {
                match self {
                    $(#[cfg(feature = $name)] Provider::$variant => crate::$module::normalize(input),)*
                }
            }
        }
    };
}

providers! {
    /// Amazon SES.
    AmazonSes amazon_ses "amazon_ses",
    /// Brevo.
    Brevo brevo "brevo",
    /// MailerSend.
    MailerSend mailersend "mailersend",
    /// Mailgun.
    Mailgun mailgun "mailgun",
    /// Mailjet.
    Mailjet mailjet "mailjet",
    /// Mailtrap.
    Mailtrap mailtrap "mailtrap",
    /// Mandrill (Mailchimp Transactional).
    Mandrill mandrill "mandrill",
    /// Postal.
    Postal postal "postal",
    /// Postmark.
    Postmark postmark "postmark",
    /// Resend.
    Resend resend "resend",
    /// SendGrid.
    SendGrid sendgrid "sendgrid",
    /// SparkPost.
    SparkPost sparkpost "sparkpost",
    /// Unisender Go.
    UnisenderGo unisender_go "unisender_go",
}

impl Provider {
    /// Takes a request as verified: because a proxy has verified it, or it was verified before it was put into a queue.
    ///
    /// Anybody can post to a public URL. Use [`Webhook::receive`](crate::Webhook::receive) there.
    pub fn assume_verified<'a>(self, tenant_id: &'a str, request: &'a Request<'a>) -> Verified<'a> {
        Verified::new(self, tenant_id, request)
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The name is none of those of [`Provider::ALL`].
#[derive(Debug, thiserror::Error)]
#[error("there is no provider `{0}`, or its feature is not enabled")]
pub struct UnknownProvider(String);

impl FromStr for Provider {
    type Err = UnknownProvider;

    fn from_str(name: &str) -> std::result::Result<Self, UnknownProvider> {
        let provider = Provider::ALL.iter().find(|provider| provider.name() == name);
        provider.copied().ok_or_else(|| UnknownProvider(name.to_owned()))
    }
}
