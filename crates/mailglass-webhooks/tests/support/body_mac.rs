//! What every signature of a raw body in a header has to refuse.

use chrono::Utc;
use mailglass_webhooks::{Error, KeyError, Provider, Request, VerificationError, Verifier, Webhook};

pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const OTHER: &str = "fedcba9876543210fedcba9876543210";

/// Verifies a body with the values of the header.
pub(crate) fn verify(webhook: &Webhook, header: &str, body: &[u8], values: &[&str]) -> Result<(), VerificationError> {
    let mut request = Request::new(body);
    for value in values {
        request = request.header(header, value.as_bytes());
    }
    match webhook.verify(&request, Utc::now()) {
        Ok(_) => Ok(()),
        Err(Error::Unverified { source, .. }) => Err(source),
        Err(error) => panic!("{error}"),
    }
}

/// The value of the header, as `sign` makes it.
pub(crate) fn signature(provider: Provider, secret: &str, body: &[u8]) -> String {
    let sample = provider.sign(secret, "", body, Utc::now()).unwrap();
    let signature = sample.headers.iter().find(|(name, _)| name.ends_with("Signature"));
    signature.unwrap().1.clone()
}

/// Checks the verifier that `keys` makes from secrets.
pub(crate) fn check<V: Verifier + std::fmt::Debug + 'static>(
    provider: Provider,
    header: &str,
    keys: impl Fn(&[&str]) -> Result<V, KeyError>,
) {
    let body = provider.sample_body().as_bytes();
    let webhook = |secrets: &[&str]| Webhook::new("acme", keys(secrets).unwrap());
    let signed = signature(provider, SECRET, body);
    let verify = |secrets: &[&str], body: &[u8], values: &[&str]| verify(&webhook(secrets), header, body, values);

    assert!(verify(&[SECRET], body, &[&signed]).is_ok());
    assert!(verify(&[SECRET], body, &[&signed.to_uppercase()]).is_ok());
    assert!(verify(&[OTHER, SECRET], body, &[&signed]).is_ok(), "the second secret");

    use VerificationError::{Malformed, Mismatch, Missing};
    assert!(matches!(verify(&[OTHER], body, &[&signed]), Err(Mismatch(_))));
    for place in 0..body.len() {
        let mut changed = body.to_vec();
        changed[place] ^= 1;
        assert!(
            matches!(verify(&[SECRET], &changed, &[&signed]), Err(Mismatch(_))),
            "byte {place}"
        );
    }
    for place in 0..signed.len() {
        let other = if &signed[place..=place] == "0" { "1" } else { "0" };
        let changed = format!("{}{other}{}", &signed[..place], &signed[place + 1..]);
        assert!(
            matches!(verify(&[SECRET], body, &[&changed]), Err(Mismatch(_))),
            "digit {place}"
        );
    }
    assert!(matches!(verify(&[SECRET], body, &[]), Err(Missing(_))));
    assert!(matches!(verify(&[SECRET], body, &[&signed, &signed]), Err(Missing(_))));
    for malformed in [
        "",
        "0",
        "zz",
        &signed[2..],
        &format!("{signed}00"),
        &format!("sha256={signed}"),
        "\u{e9}",
    ] {
        assert!(
            matches!(verify(&[SECRET], body, &[malformed]), Err(Malformed(_))),
            "{malformed}"
        );
    }

    assert!(matches!(keys(&[]), Err(KeyError::None(_))));
    assert!(matches!(keys(&[SECRET, ""]), Err(KeyError::Empty(_))));
    assert!(!format!("{:?}", keys(&[SECRET]).unwrap()).contains(&SECRET[..8]));
}
