//! The codes in a reply of a receiving server.

use mailglass::EventDetails;

/// Puts a reply, such as `550 5.1.1 <ann@example.com>: no such user`, and its codes into the details. A code that the provider
/// has reported in a field of its own remains.
pub(crate) fn reply(details: &mut EventDetails, reply: impl Into<String>) {
    let reply = reply.into();
    let (code, status) = codes(&reply);
    details.smtp_code = details.smtp_code.or(code);
    details.enhanced_status = details.enhanced_status.take().or(status);
    details.mta_response = Some(reply);
}

/// The reply code (RFC 5321) and the enhanced status (RFC 3463) with which a reply begins. A type before it, as in
/// `smtp; 550 5.1.1 no such user` (RFC 3464), is skipped.
pub(crate) fn codes(reply: &str) -> (Option<u16>, Option<String>) {
    let text = reply.split_once(';').map_or(reply, |(kind, rest)| {
        if matches!(kind.trim().to_ascii_lowercase().as_str(), "smtp" | "x-unix" | "rfc822") {
            rest
        } else {
            reply
        }
    });
    let mut words = text
        .trim_start()
        .split([' ', '-', '\t', '\r', '\n'])
        .filter(|word| !word.is_empty())
        .peekable();
    let code = words.peek().and_then(|word| code(word));
    if code.is_some() {
        words.next();
    }
    let status = words.next().and_then(status);
    (code, status)
}

/// A reply code.
pub(crate) fn code(word: &str) -> Option<u16> {
    let is_code = word.len() == 3 && word.bytes().all(|digit| digit.is_ascii_digit());
    word.parse().ok().filter(|code| is_code && (200..600).contains(code))
}

/// An enhanced status.
pub(crate) fn status(word: &str) -> Option<String> {
    let word = word.trim_matches(|end| matches!(end, '(' | ')' | ':' | '#' | '<' | '>' | ','));
    let is_number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|digit| digit.is_ascii_digit());
    let parts: Vec<&str> = word.split('.').collect();
    let is_status = matches!(parts[..], [class, subject, detail]
        if matches!(class, "2" | "4" | "5") && is_number(subject) && is_number(detail));
    is_status.then(|| word.to_owned())
}
