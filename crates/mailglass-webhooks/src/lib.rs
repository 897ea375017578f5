#![doc = include_str!("../README.md")]
#![cfg_attr(
    not(feature = "all"),
    allow(
        dead_code,
        unreachable_code,
        unused_imports,
        unused_variables,
        reason = "some helpers serve one provider only, and without one there is nothing to do"
    )
)]

#[cfg(any(feature = "mailersend", feature = "mailtrap"))]
mod body_mac;
mod credentials;
mod draft;
mod error;
mod fields;
mod key;
mod mapping;
mod provider;
mod received;
mod report;
mod request;
#[cfg(feature = "samples")]
mod samples;
mod secret;
mod smtp;
mod time;
mod verifier;
mod webhook;

#[cfg(feature = "amazon_ses")]
pub mod amazon_ses;
#[cfg(feature = "brevo")]
pub mod brevo;
#[cfg(feature = "mailersend")]
pub mod mailersend;
#[cfg(feature = "mailgun")]
pub mod mailgun;
#[cfg(feature = "mailjet")]
pub mod mailjet;
#[cfg(feature = "mailtrap")]
pub mod mailtrap;
#[cfg(feature = "mandrill")]
pub mod mandrill;
#[cfg(feature = "postal")]
pub mod postal;
#[cfg(feature = "postmark")]
pub mod postmark;
#[cfg(feature = "resend")]
pub mod resend;
#[cfg(feature = "sendgrid")]
pub mod sendgrid;
#[cfg(feature = "sparkpost")]
pub mod sparkpost;
#[cfg(feature = "unisender_go")]
pub mod unisender_go;

pub use credentials::{Credential, Credentials};
pub use error::{Error, KeyError, Result, VerificationError};
pub use mapping::{Facts, Mapping};
pub use provider::{Provider, UnknownProvider};
pub use received::{Confirmation, Received, Unreadable};
pub use report::{DELIVERY_ID, Report};
pub use request::Request;
#[cfg(feature = "samples")]
pub use samples::Sample;
pub use verifier::Verifier;
pub use webhook::{MAX_BODY_BYTES, MAX_EVENTS, Verified, Webhook};
