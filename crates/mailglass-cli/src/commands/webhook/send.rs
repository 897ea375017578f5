//! `mailglass webhook send`.

use std::env::{self, VarError};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::Utc;
use clap::Args;
use mailglass_webhooks::Provider;
use serde_json::json;
use ureq::Agent;
use ureq::http::Uri;

use super::{provider_parser, read_body};
use crate::failure::{Failure, Kind};
use crate::output::{Cell, Output, Tone};

const LONG: &str = "\
Post a request to an endpoint as a provider does: the sample of the provider's documentation, signed with your secret.

The secret is what the endpoint verifies: the signing key, a private key as PEM (PKCS#8) for a provider that signs with one, or \
`user:password` for a provider that signs nothing. It is read from a variable or a file, because other users of the machine can read \
the arguments of a process. Without a secret, the request has no signature; the endpoint should refuse it, unless a secret is in its \
path.

The result is the status and the text of the endpoint's answer. Redirects are not followed.";

const AFTER: &str = "\
Exit codes:
  0  the endpoint answered with 2xx
  2  invalid command line, such as an unknown provider or a URL with a password
  3  the endpoint does not answer within 30 seconds
  5  it answered with another status, or the secret or a file can't be used

Examples:
  mailglass webhook send postmark --to http://localhost:8080/hook --secret-env WEBHOOK_SECRET
  mailglass webhook send sendgrid --to https://example.com/hook --secret-file key.pem --body events.json";

const TIMEOUT: Duration = Duration::from_secs(30);

/// An answer's text is for people, so the rest of a longer one is left out.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;

/// Post a signed sample to an endpoint.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Send {
    /// The provider.
    #[arg(value_parser = provider_parser())]
    provider: Provider,

    /// The endpoint, with http or https. Mandrill signs it: write it as it is configured there.
    #[arg(long, value_name = "URL")]
    to: String,

    /// The environment variable that has the secret.
    #[arg(long, value_name = "VARIABLE", conflicts_with = "secret_file")]
    secret_env: Option<String>,

    /// The file that has the secret. A line break at its end does not count.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,

    /// A file with another body than the sample.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
}

/// The headers and the body of a request.
type Signed = (Vec<(String, String)>, Vec<u8>);

impl Send {
    pub(super) fn run(self, output: &mut Output) -> Result<(), Failure> {
        self.check_url()?;
        let (headers, body) = self.signed(output)?;
        let (status, answer) = self.post(&headers, &body)?;
        if output.is_json() {
            output.document(&json!({
                "provider": self.provider.name(),
                "url": self.to,
                "status": status,
                "answer": answer,
            }))?;
        } else {
            let tone = if is_success(status) { Tone::Good } else { Tone::Bad };
            let row = [Cell::toned(status, tone), answer.trim().into()];
            output.table("Answer", ["status", "answer"], vec![row])?;
        }
        if is_success(status) {
            Ok(())
        } else {
            Err(Failure::failed(format!("the endpoint answered with status {status}")))
        }
    }

    fn check_url(&self) -> Result<(), Failure> {
        let wrong = |message: &str| Failure::new(Kind::Usage, format!("--to: {message}"));
        let url: Uri = self.to.parse().map_err(|_| wrong("it is not a URL"))?;
        match (url.scheme_str(), url.authority()) {
            (Some("http" | "https"), Some(authority)) if authority.as_str().contains('@') => {
                let failure = wrong("the URL has a user or password");
                Err(failure.hint("put `user:password` into a variable or file, and use --secret-env or --secret-file"))
            }
            (Some("http" | "https"), Some(_)) => Ok(()),
            _ => Err(wrong("the URL must begin with http:// or https://")),
        }
    }

    fn signed(&self, output: &Output) -> Result<Signed, Failure> {
        let body = match &self.body {
            Some(path) => {
                let file = File::open(path).map_err(|error| Failure::of_file(path, &error))?;
                read_body(file, path)?
            }
            None => self.provider.sample_body().as_bytes().to_vec(),
        };
        let Some(secret) = self.secret()? else {
            output.note("without a secret, the request is not signed");
            let is_json = matches!(body.trim_ascii_start().first(), Some(b'{' | b'['));
            let content_type = match is_json {
                true => "application/json",
                false => "application/x-www-form-urlencoded",
            };
            return Ok((vec![("Content-Type".to_owned(), content_type.to_owned())], body));
        };
        let signed = self.provider.sign(&secret, &self.to, &body, Utc::now());
        let sample =
            signed.map_err(|error| Failure::failed(format!("can't sign as {} does: {error}", self.provider)))?;
        Ok((sample.headers, sample.body))
    }

    fn secret(&self) -> Result<Option<String>, Failure> {
        let (secret, source) = match (&self.secret_env, &self.secret_file) {
            (Some(variable), _) => {
                // The error's own text has the value.
                let secret = env::var(variable).map_err(|error| match error {
                    VarError::NotPresent => Failure::failed(format!("{variable}: the variable is not set")),
                    VarError::NotUnicode(_) => Failure::failed(format!("{variable}: the value is not UTF-8")),
                })?;
                (secret, Path::new(variable))
            }
            (None, Some(path)) => {
                let secret = fs::read_to_string(path).map_err(|error| Failure::of_file(path, &error))?;
                (secret, path.as_path())
            }
            (None, None) => return Ok(None),
        };
        let secret = secret.trim_end_matches(['\r', '\n']);
        if secret.is_empty() {
            return Err(Failure::failed(format!("{}: the secret is empty", source.display())));
        }
        Ok(Some(secret.to_owned()))
    }

    /// Posts the request, and returns the status and the text of the answer.
    fn post(&self, headers: &[(String, String)], body: &[u8]) -> Result<(u16, String), Failure> {
        let config = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("mailglass/", env!("CARGO_PKG_VERSION")))
            .build();
        let mut request = Agent::from(config).post(&self.to);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let unreachable = |error: ureq::Error| {
            Failure::new(Kind::Unreachable, format!("no answer from the endpoint: {error}"))
                .hint("check --to, and that the endpoint is running")
        };
        let mut answer = request.send(body).map_err(unreachable)?;
        let status = answer.status().as_u16();
        let mut text = Vec::new();
        let reader = answer.body_mut().as_reader();
        // The status tells what the endpoint decided, also if the connection is lost afterwards.
        let _ = reader.take(MAX_ANSWER_BYTES).read_to_end(&mut text);
        Ok((status, String::from_utf8_lossy(&text).into_owned()))
    }
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}
