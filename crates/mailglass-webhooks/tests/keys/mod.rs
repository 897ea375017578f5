//! A key for each provider, and what verifies it.

use mailglass_webhooks::{
    Credential, Credentials, Provider, Verifier, Webhook, amazon_ses, mailersend, mailgun, mailtrap, mandrill, postal,
    resend, sendgrid, unisender_go,
};

use crate::support::TENANT;

/// The URL of the endpoint, which Mandrill signs.
pub(crate) const URL: &str = "https://shop.example.com/webhooks";

/// The topic of Amazon SNS in the payloads.
const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:ses-events";

/// What `Provider::sign` signs with.
pub(crate) fn secret(provider: Provider) -> &'static str {
    match provider {
        Provider::AmazonSes => include_str!("../vectors/amazon_ses/private.pem"),
        Provider::Postal => include_str!("../vectors/postal/private.pem"),
        Provider::Resend => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        Provider::SendGrid => include_str!("sendgrid_1.pem"),
        Provider::MailerSend | Provider::Mailgun | Provider::Mailtrap | Provider::Mandrill | Provider::UnisenderGo => {
            "4e1f0a7b2d9c48e3a6f5b1c0d7e8f9a2"
        }
        _ => "provider:e5bd9dbc0d1b",
    }
}

pub(crate) fn webhook(provider: Provider) -> Webhook {
    let keys = [secret(provider)];
    let verifier: Box<dyn Verifier> = match provider {
        Provider::AmazonSes => {
            let certificate = include_str!("../vectors/amazon_ses/certificate.pem");
            Box::new(amazon_ses::Topics::with_certificates([TOPIC], [certificate]).unwrap())
        }
        Provider::MailerSend => Box::new(mailersend::SigningSecrets::new(keys).unwrap()),
        Provider::Mailgun => Box::new(mailgun::SigningKeys::new(keys).unwrap()),
        Provider::Mailtrap => Box::new(mailtrap::SigningSecrets::new(keys).unwrap()),
        Provider::Mandrill => Box::new(mandrill::Keys::new(URL, keys).unwrap()),
        Provider::Postal => Box::new(postal::PublicKeys::new([include_str!("../vectors/postal/public.pem")]).unwrap()),
        Provider::Resend => Box::new(resend::SigningSecrets::new(keys).unwrap()),
        Provider::SendGrid => Box::new(sendgrid::PublicKeys::new([include_str!("sendgrid_1.pub")]).unwrap()),
        Provider::UnisenderGo => Box::new(unisender_go::ApiKeys::new(keys).unwrap()),
        _ => {
            let (user, password) = secret(provider).split_once(':').unwrap();
            let credential = Credential::basic(user, password).unwrap();
            Box::new(Credentials::new(provider, [credential]).unwrap())
        }
    };
    Webhook::new(TENANT, verifier)
}
