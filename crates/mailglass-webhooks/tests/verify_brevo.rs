//! Brevo signs nothing: its requests have a credential.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use chrono::Utc;
use mailglass_webhooks::{Credential, Credentials, Error, Provider, Request, VerificationError, Webhook};

fn webhook(credentials: impl IntoIterator<Item = Credential>) -> Webhook {
    Webhook::new("acme", Credentials::new(Provider::Brevo, credentials).unwrap())
}

#[test]
fn a_request_needs_the_password_or_token() {
    let sample = Provider::Brevo.sign("hook:secret", "", b"{}", Utc::now()).unwrap();
    let basic = Credential::basic("hook", "secret").unwrap();
    let bearer = Credential::bearer("token").unwrap();
    let token = Request::new(b"{}").header("authorization", "bearer token");
    let both = webhook([bearer.clone(), basic.clone()]);
    for request in [&sample.request(), &token] {
        assert!(both.verify(request, Utc::now()).is_ok());
    }
    for (webhook, request) in [
        (webhook([bearer.clone()]), sample.request()),
        (webhook([basic]), token.clone()),
        (webhook([bearer]), token.header("Authorization", "Bearer token")),
        (both, Request::new(b"{}")),
    ] {
        let refused = webhook.verify(&request, Utc::now());
        assert!(matches!(
            refused,
            Err(Error::Unverified {
                source: VerificationError::Missing(_) | VerificationError::Mismatch(_),
                ..
            })
        ));
    }
}
