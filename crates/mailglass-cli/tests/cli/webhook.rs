//! `mailglass webhook`.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};

use mailglass_webhooks::{Credential, Credentials, Error, MAX_BODY_BYTES, Provider, Request, Webhook};
use serde_json::{Value, json};

use crate::folder::Folder;
use crate::program::{Answer, answer, program};

/// Without a database, and with a body on standard input.
fn normalize(provider: &str, arguments: &[&str], body: &[u8]) -> Answer {
    let mut child = program()
        .args(["webhook", "normalize", provider, "--tenant", "acme"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let body = body.to_vec();
    // The command reads no more than it accepts, and closes the pipe.
    let writer = thread::spawn(move || {
        let _ = stdin.write_all(&body);
    });
    let answer = Answer::new(child.wait_with_output().unwrap());
    writer.join().unwrap();
    answer
}

fn sample() -> &'static [u8] {
    Provider::Postmark.sample_body().as_bytes()
}

#[test]
fn a_body_is_normalized_without_a_database_and_the_readme_shows_it() {
    let answer = normalize("postmark", &["--json"], sample()).exits(0);
    assert_eq!(answer.stderr, "");
    let readme = include_str!("../../README.md");
    let shown = readme.split_once("```json\n").unwrap().1.split_once("```\n").unwrap().0;
    // What a digest is made of is the library's.
    let without_digest = |document: &str| {
        let (before, digest) = document.split_once("sha256:").unwrap();
        format!("{before}{}", digest.split_once('"').unwrap().1)
    };
    assert_eq!(without_digest(shown), without_digest(&answer.stdout));
}

#[test]
fn every_event_has_all_keys_and_the_key_carries_the_tenant() {
    let open =
        br#"{"RecordType":"Open","MessageID":"m","Recipient":"ann@example.com","ReceivedAt":"2026-11-05T16:33:54Z"}"#;
    let document = normalize("postmark", &["--json"], open).exits(0).json();
    let event = &document["events"][0];
    let mut keys: Vec<&str> = event.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "delivery_id",
            "details",
            "idempotency_key",
            "kind",
            "metadata",
            "occurred_at",
            "provider",
            "provider_message_id",
            "recipient",
            "reject_reason",
            "reported",
            "tags",
            "type",
        ]
    );
    assert_eq!(event["occurred_at"], "2026-11-05T16:33:54.000000Z");
    assert_eq!(event["details"].as_object().unwrap().len(), 10);
    assert_eq!((&event["tags"], &event["metadata"]), (&json!([]), &json!({})));
    let key = event["idempotency_key"].as_str().unwrap();
    assert!(key.contains("acme") && key.contains("postmark"), "{key}");

    // As it would be recorded.
    let request = Request::new(open);
    let received = Provider::Postmark
        .assume_verified("acme", &request)
        .normalize()
        .unwrap();
    let report = received.into_iter().next().unwrap().report().unwrap();
    assert_eq!(key, report.idempotency_key);
}

#[test]
fn the_sample_of_every_provider_is_normalized() {
    for provider in Provider::ALL {
        let answer = normalize(provider.name(), &["--json"], provider.sample_body().as_bytes()).exits(0);
        let document = answer.json();
        let events = document["events"].as_array().unwrap();
        assert!(!events.is_empty(), "{provider}: {document}");
        for event in events {
            assert_eq!(event["provider"], provider.name());
            assert_ne!(event["type"], "unknown", "{event}");
            assert!(event["provider_message_id"].is_string(), "{event}");
        }
    }
}

#[test]
fn without_json_the_events_are_a_table() {
    let answer = normalize("postmark", &["--content-type", "application/json"], sample()).exits(0);
    let tables = answer.tables();
    assert_eq!(tables.len(), 1, "{answer:?}");
    assert_eq!(
        tables[0][0],
        [
            "type",
            "occurred_at",
            "recipient",
            "provider_message_id",
            "idempotency_key",
            "reject_reason"
        ]
    );
    assert_eq!(tables[0][1][0], "delivered");
    assert_eq!(tables[0][1][2], "john@example.com");
}

#[test]
fn an_element_that_cannot_be_read_is_listed_and_exits_with_5() {
    let body = br#"{"RecordType":"Open","MessageID":"m"}"#;
    let answer = normalize("postmark", &["--json"], body)
        .exits(5)
        .says("1 element of the request");
    let document = answer.json();
    assert_eq!(document["events"], json!([]));
    assert_eq!(document["errors"][0]["index"], 0);
    let message = document["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("ReceivedAt"), "{message}");
    let error: Value = serde_json::from_str(&answer.stderr).unwrap();
    assert_eq!(error["error"]["code"], "failed");

    let tables = normalize("postmark", &[], body).exits(5);
    assert_eq!(tables.tables()[1][0], ["index", "problem"]);
}

#[test]
fn a_request_that_is_refused_is_an_error_without_an_index() {
    let refused = |body: &[u8]| {
        let answer = normalize("postmark", &["--json"], body)
            .exits(5)
            .says("the request is refused");
        let document = answer.json();
        assert_eq!(
            (&document["events"], &document["confirmations"]),
            (&json!([]), &json!([]))
        );
        let errors = document["errors"].as_array().unwrap();
        assert_eq!((errors.len(), &errors[0]["index"]), (1, &Value::Null));
        errors[0]["message"].as_str().unwrap().to_owned()
    };
    for body in [&b""[..], b"garbage", b"{", b"\xff\x00\x1b[31m"] {
        assert!(refused(body).contains("is not JSON"));
    }
    assert!(refused(br#"{"RecordType":"Inbound"}"#).contains("inbound mail"));
    assert!(refused(&vec![b' '; MAX_BODY_BYTES + 10]).contains("the limit"));
}

#[test]
fn an_unknown_provider_or_a_missing_tenant_is_a_wrong_command_line() {
    answer(program().args(["webhook", "normalize", "smoke_signals", "--tenant", "acme"]))
        .exits(2)
        .says("unisender_go");
    answer(program().args(["webhook", "normalize", "postmark"]))
        .exits(2)
        .says("--tenant");
    for arguments in [
        &["postmark"][..],
        &["postmark", "--to", "ftp://localhost/"],
        &["postmark", "--to", "localhost"],
        &["postmark", "--to", "http://user:hunter2@localhost/"],
        &[
            "postmark",
            "--to",
            "http://localhost/",
            "--secret-env",
            "A",
            "--secret-file",
            "b",
        ],
    ] {
        let answer = answer(program().args(["webhook", "send"]).args(arguments)).exits(2);
        assert!(!answer.stderr.contains("hunter2"), "{answer:?}");
    }
}

#[test]
fn every_provider_has_help_that_names_it() {
    for command in ["normalize", "send"] {
        let help = answer(program().args(["webhook", command, "--help"])).exits(0).stdout;
        for provider in Provider::ALL {
            assert!(help.contains(provider.name()), "{provider} in {help}");
        }
        assert!(help.contains("Exit codes") && help.contains("Examples"), "{help}");
    }
}

/// A request as the endpoint got it: the first line, the headers, and the body.
struct Got {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Got {
    fn read(from: &mut impl BufRead) -> Got {
        let mut line = || {
            let mut line = String::new();
            from.read_line(&mut line).unwrap();
            line.trim_end().to_owned()
        };
        let first = line();
        let mut headers = Vec::new();
        loop {
            let line = line();
            let Some((name, value)) = line.split_once(": ") else {
                break;
            };
            headers.push((name.to_owned(), value.to_owned()));
        }
        let length = headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
        from.read_exact(&mut body).unwrap();
        Got {
            line: first,
            headers,
            body,
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(there, _)| there.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    fn request(&self) -> Request<'_> {
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()));
        Request::new(&self.body).headers(headers)
    }
}

/// An endpoint that answers one request.
fn endpoint(status: &'static str, text: &'static str) -> (String, JoinHandle<Got>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/webhooks/postmark", listener.local_addr().unwrap());
    let got = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let got = Got::read(&mut BufReader::new(&stream));
        let length = text.len();
        write!(
            &stream,
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
        )
        .unwrap();
        got
    });
    (url, got)
}

/// Without a proxy, which would not reach the endpoint.
fn send(arguments: &[&str]) -> Command {
    let mut command = program();
    for variable in ["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY"] {
        command.env_remove(variable).env_remove(variable.to_lowercase());
    }
    command.args(["webhook", "send"]).args(arguments);
    command
}

#[test]
fn a_sample_is_posted_with_a_signature_that_the_endpoint_can_verify() {
    let (url, got) = endpoint("200 OK", "recorded\n");
    let sent =
        answer(send(&["postmark", "--to", &url, "--secret-env", "SECRET", "--json"]).env("SECRET", "ann:hunter2"));
    assert_eq!(
        sent.exits(0).json(),
        json!({"provider": "postmark", "url": url, "status": 200, "answer": "recorded\n"})
    );
    let got = got.join().unwrap();
    assert_eq!(got.line, "POST /webhooks/postmark HTTP/1.1");
    assert_eq!(got.header("Content-Type"), Some("application/json"));
    assert_eq!(got.body, sample());
    let webhook = |password| {
        let credential = Credential::basic("ann", password).unwrap();
        Webhook::new("acme", Credentials::new(Provider::Postmark, [credential]).unwrap())
    };
    assert_eq!(webhook("hunter2").receive(&got.request()).unwrap().len(), 1);
    assert!(
        webhook("hunter3")
            .receive(&got.request())
            .is_err_and(|error: Error| error.is_unverified())
    );
}

#[test]
fn the_secret_and_the_body_come_from_files_and_the_secret_is_not_printed() {
    let folder = Folder::new();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (secret, body) = (
        write("secret", "ann:hunter2\r\n"),
        write("body", "{\"my\": \"body\"}\n"),
    );
    let (url, got) = endpoint("201 Created", "");
    let sent = answer(&mut send(&[
        "postmark",
        "--to",
        &url,
        "--secret-file",
        &secret,
        "--body",
        &body,
    ]))
    .exits(0);
    assert_eq!(sent.tables()[0][1][0], "201");
    assert!(!format!("{sent:?}").contains("hunter2"));
    let got = got.join().unwrap();
    assert_eq!(got.body, b"{\"my\": \"body\"}\n");
    assert_eq!(got.header("Authorization"), Some("Basic YW5uOmh1bnRlcjI="));
}

#[test]
fn without_a_secret_the_request_is_not_signed() {
    let (url, got) = endpoint("401 Unauthorized", "who are you?");
    let sent = answer(&mut send(&["postmark", "--to", &url]))
        .exits(5)
        .says("not signed")
        .says("status 401");
    assert_eq!(sent.tables()[0][1], ["401", "who are you?"]);
    assert_eq!(got.join().unwrap().header("Authorization"), None);
}

#[test]
fn an_answer_other_than_2xx_exits_with_5_and_a_redirect_is_not_followed() {
    for status in [
        "302 Found\r\nLocation: http://127.0.0.1:1/",
        "404 Not Found",
        "503 Service Unavailable",
    ] {
        let (url, got) = endpoint(status, "no");
        let sent =
            answer(send(&["postmark", "--to", &url, "--secret-env", "SECRET", "--json"]).env("SECRET", "a:b")).exits(5);
        assert_eq!(sent.json()["status"], status[..3].parse::<u16>().unwrap());
        got.join().unwrap();
    }
}

#[test]
fn an_endpoint_that_is_not_there_exits_with_3() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/");
    let sent = answer(&mut send(&["postmark", "--to", &url, "--json"])).exits(3);
    assert_eq!(sent.error()["code"], "unreachable");
}

#[test]
fn a_secret_that_cannot_be_used_is_refused_without_printing_it() {
    let to = ["postmark", "--to", "http://127.0.0.1:1/"];
    let sent = |more: &[&str], secret: &str| {
        let answer = answer(send(&[&to[..], more].concat()).env("SECRET", secret)).exits(5);
        assert!(!answer.stderr.contains("hunter2"), "{answer:?}");
        answer
    };
    sent(&["--secret-env", "SECRET"], "hunter2").says("user:password");
    sent(&["--secret-env", "SECRET"], "").says("empty");
    sent(&["--secret-env", "NO_SUCH_VARIABLE"], "").says("NO_SUCH_VARIABLE");
    sent(&["--secret-file", "/no/such/file"], "").says("/no/such/file");
    sent(&["--body", "/no/such/file"], "").says("/no/such/file");
}
