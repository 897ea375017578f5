//! Checks a recipient: one bare address that can be used unchanged in a header and in an SMTP command.

use email_address::{EmailAddress, Error, Options};

/// The longest address: 64 bytes of local part, the `@`, 255 bytes of domain (RFC 5321, section 4.5.3.1).
pub(crate) const RECIPIENT: usize = 320;

/// Characters that separate, quote or comment in an address, unless they are quoted.
const SPECIAL: &str = "()<>[]:;,\\\"@";

/// Characters that Unicode normalization turns into an `@` or a dot. A mailer that normalizes would send elsewhere.
const LOOKALIKES: [char; 5] = ['\u{ff20}', '\u{fe6b}', '\u{3002}', '\u{ff0e}', '\u{ff61}'];

/// Checks a recipient. The error is to be read after the name of the field. It has a position instead of the address, which is
/// personal data.
pub(super) fn check_recipient(recipient: &str) -> Result<(), String> {
    let Some((local_part, domain)) = recipient.rsplit_once('@') else {
        return Err("has no @".to_owned());
    };
    if local_part.is_empty() {
        return Err("has nothing before its @".to_owned());
    }
    if domain.is_empty() {
        return Err("has no domain after its last @".to_owned());
    }
    let problem = unsafe_character(recipient)
        .or_else(|| special_character(recipient, local_part, domain))
        .or_else(|| malformed_address(local_part, domain));
    match problem {
        Some(problem) => Err(format!("{problem}: give one bare address, such as ann@example.com")),
        None => Ok(()),
    }
}

/// Finds a character that is rejected even in quotes. RFC 5321 allows a quoted space, but programs that split text at white
/// space are more common than such addresses.
fn unsafe_character(recipient: &str) -> Option<String> {
    recipient.char_indices().find_map(|(position, character)| {
        let code = u32::from(character);
        if character.is_control() {
            Some(format!("has a control character (U+{code:04X}) at byte {position}"))
        } else if character.is_whitespace() {
            Some(format!("has white space (U+{code:04X}) at byte {position}"))
        } else if LOOKALIKES.contains(&character) {
            Some(format!("has `{character}` (U+{code:04X}) at byte {position}"))
        } else {
            None
        }
    })
}

/// Finds an unquoted special character. The parser rejects these as well, but does not say which one or where.
fn special_character(recipient: &str, local_part: &str, domain: &str) -> Option<String> {
    let is_special = |character| SPECIAL.contains(character);
    let is_quoted = local_part.starts_with('"');
    let is_literal = domain.starts_with('[') && domain.ends_with(']');
    let in_local_part = local_part.find(is_special).filter(|_| !is_quoted);
    let in_domain = domain.find(is_special).filter(|_| !is_literal);
    let position = in_local_part.or(in_domain.map(|position| local_part.len() + 1 + position))?;
    let character = recipient[position..].chars().next()?;
    Some(format!("has `{character}` at byte {position}"))
}

fn malformed_address(local_part: &str, domain: &str) -> Option<String> {
    let options = Options::default().without_display_text().without_domain_literal();
    let address = format!("{local_part}@{}", in_ascii(domain));
    let problem = match EmailAddress::parse_with_options(&address, options).err()? {
        Error::LocalPartEmpty => "has nothing before its last @",
        Error::LocalPartTooLong => "has more than 64 bytes before its last @",
        Error::DomainTooLong => "has a domain of more than 254 characters",
        Error::SubDomainEmpty => "has an empty label in its domain",
        Error::SubDomainTooLong => "has a label of more than 63 characters in its domain",
        Error::UnsupportedDomainLiteral => "has an IP address instead of a domain",
        _ if EmailAddress::is_valid_local_part(local_part) => {
            "has a label in its domain that begins or ends with neither a letter nor a digit"
        }
        _ if local_part.starts_with('"') => "has a malformed quoted part before its last @",
        _ => "has a misplaced dot before its last @",
    };
    Some(problem.to_owned())
}

/// The domain with an ASCII letter for each other character. The parser counts the bytes of a label and rejects a combining mark
/// at its end, but DNS counts characters, and many Thai labels end with a mark.
fn in_ascii(domain: &str) -> String {
    let mut is_first = true;
    let letter = |character: char| {
        let begins_label = std::mem::replace(&mut is_first, character == '.');
        if character.is_ascii() || (begins_label && !character.is_alphanumeric()) {
            character
        } else {
            'x'
        }
    };
    domain.chars().map(letter).collect()
}

/// The part after the last `@`, with its ASCII letters in lower case. A quoted local part may contain an `@` (RFC 5321, section
/// 4.1.2).
pub(crate) fn domain_of(recipient: &str) -> Option<String> {
    let (_, domain) = recipient.rsplit_once('@')?;
    Some(domain.to_ascii_lowercase())
}
