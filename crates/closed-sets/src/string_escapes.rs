//! Decodes the escapes in `E''`, `U&''` and `U&""`. The result is `None` if PostgreSQL rejects an escape.

/// Decodes the segments of an `E''` constant: `\n` and its like, `\101`, `\x41`, `\u0041`, `\U00000041`.
pub(crate) fn backslash(segments: &[String]) -> Option<String> {
    // Octal and hexadecimal escapes are bytes; only the whole string must be UTF-8. An escape ends with its segment.
    let bytes: Option<Vec<Vec<u8>>> = segments.iter().map(|segment| segment_bytes(segment)).collect();
    String::from_utf8(bytes?.concat())
        .ok()
        .filter(|text| !text.contains('\0'))
}

fn segment_bytes(content: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = content;
    while let Some((before, escape)) = rest.split_once('\\') {
        bytes.extend(before.as_bytes());
        let kind = escape.chars().next()?;
        rest = &escape[kind.len_utf8()..];
        match kind {
            'b' => bytes.push(8),
            'f' => bytes.push(12),
            'n' => bytes.push(b'\n'),
            'r' => bytes.push(b'\r'),
            't' => bytes.push(b'\t'),
            // A vertical tab since PostgreSQL 16, the letter before: assume that it separates two words.
            'v' => bytes.push(11),
            '0'..='7' => {
                let (byte, after) = digits(escape, 8, 3);
                // Three octal digits can exceed a byte; PostgreSQL drops the ninth bit.
                bytes.push((byte & 0xff) as u8);
                rest = after;
            }
            'x' => match digits(rest, 16, 2) {
                (_, after) if after.len() == rest.len() => bytes.push(b'x'),
                (byte, after) => {
                    bytes.push(byte as u8);
                    rest = after;
                }
            },
            'u' | 'U' => {
                let (c, after) = pair(
                    escape,
                    |text| {
                        let length = match text.chars().next()? {
                            'u' => 4,
                            'U' => 8,
                            _ => return None,
                        };
                        exactly(&text[1..], length)
                    },
                    |after| after.strip_prefix('\\'),
                )?;
                bytes.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
                rest = after;
            }
            other => bytes.extend(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes.extend(rest.as_bytes());
    Some(bytes)
}

/// Decodes the content of a `U&''` or `U&""` constant: `\0041`, `\+000041`, and the escape character doubled.
pub(crate) fn unicode(content: &str, escape: char) -> Option<String> {
    let mut decoded = String::new();
    let mut rest = content;
    while let Some((before, code)) = rest.split_once(escape) {
        decoded += before;
        if let Some(after) = code.strip_prefix(escape) {
            decoded.push(escape);
            rest = after;
            continue;
        }
        let (c, after) = pair(
            code,
            |text| match text.strip_prefix('+') {
                Some(digits) => exactly(digits, 6),
                None => exactly(text, 4),
            },
            |after| after.strip_prefix(escape),
        )?;
        decoded.push(c);
        rest = after;
    }
    Some(decoded + rest)
}

/// A character or a surrogate pair, each code unit read by `code`, and the rest.
fn pair<'a>(
    text: &'a str,
    code: impl Fn(&'a str) -> Option<(u32, &'a str)>,
    next: impl Fn(&'a str) -> Option<&'a str>,
) -> Option<(char, &'a str)> {
    let (first, after) = code(text)?;
    let (value, after) = if (0xd800..0xdc00).contains(&first) {
        let (second, after) = code(next(after)?)?;
        let second = second.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
        (0x10000 + ((first - 0xd800) << 10) + second, after)
    } else {
        (first, after)
    };
    let c = char::from_u32(value).filter(|&c| c != '\0')?;
    Some((c, after))
}

/// The number of exactly `length` hexadecimal digits, and the rest.
fn exactly(text: &str, length: usize) -> Option<(u32, &str)> {
    let digits = text.get(..length)?;
    let is_number = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = u32::from_str_radix(digits, 16).ok().filter(|_| is_number)?;
    Some((number, &text[length..]))
}

/// The number of at most `most` leading digits, and the rest.
fn digits(text: &str, radix: u32, most: usize) -> (u32, &str) {
    let length = text.chars().take(most).take_while(|c| c.is_digit(radix)).count();
    (
        u32::from_str_radix(&text[..length], radix).unwrap_or_default(),
        &text[length..],
    )
}
