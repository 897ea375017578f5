//! `assert_closed_set!`: compares a list of labels in Rust code with a closed set at compile time.

/// Checks at compile time that a list has exactly the labels of a closed set, in its order.
///
/// The error is at your line and names the first difference. The macro costs nothing at run time. Use it for a list that your
/// code needs anyway: the columns of a report, the keys of a translation, the values of an API.
///
/// ```
/// use mailglass::{DeliveryStatus, assert_closed_set};
///
/// const COLUMNS: [&str; 5] = ["queued", "sent", "dispatched", "failed", "suppressed"];
///
/// assert_closed_set!(DeliveryStatus, COLUMNS);
/// ```
///
/// The labels are a constant array or any other constant that can be borrowed as `&[&str]` (for a slice, write `*LABELS`). A
/// missing label does not compile:
///
/// ```compile_fail,E0080
/// # use mailglass::{Stream, assert_closed_set};
/// assert_closed_set!(Stream, ["transactional", "bulk"]);
/// // evaluation panicked: position 2 of `Stream` is `operational`, which is missing here
/// ```
#[macro_export]
macro_rules! assert_closed_set {
    ($set:ty, $labels:expr $(,)?) => {
        const _: () = {
            const LABELS: &[&str] = &$labels;
            const DIFFERENCE: ::core::option::Option<$crate::contract::Message> =
                $crate::contract::first_difference(<$set>::CLOSED_SET.rust, <$set>::LABELS, LABELS);
            // Not in a function, so that the error points to the line of the caller.
            if let ::core::option::Option::Some(difference) = &DIFFERENCE {
                ::core::panic!("{}", difference.as_str())
            }
        };
    };
}

/// A text that is assembled in a constant.
#[doc(hidden)]
pub struct Message {
    bytes: [u8; Message::CAPACITY],
    length: usize,
}

impl Message {
    /// Enough for the longest names and labels of PostgreSQL. Longer texts are cut.
    const CAPACITY: usize = 512;

    /// Concatenates the pieces.
    const fn of(pieces: &[&str]) -> Message {
        let mut message = Message {
            bytes: [0; Message::CAPACITY],
            length: 0,
        };
        let mut index = 0;
        while index < pieces.len() {
            let piece = pieces[index].as_bytes();
            // A piece is added as a whole or not at all, so that no character is cut in two.
            let fits = piece.len() <= Message::CAPACITY - message.length;
            let mut offset = 0;
            while fits && offset < piece.len() {
                message.bytes[message.length] = piece[offset];
                message.length += 1;
                offset += 1;
            }
            index += 1;
        }
        message
    }

    /// The text.
    pub const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            Err(_) => "the labels differ",
        }
    }
}

/// A message about the first difference between a set's labels and a list.
#[doc(hidden)]
pub const fn first_difference(set: &str, expected: &[&str], found: &[&str]) -> Option<Message> {
    let mut index = 0;
    while index < expected.len() && index < found.len() && equal(expected[index], found[index]) {
        index += 1;
    }
    let digits = decimal(index + 1);
    let position = match std::str::from_utf8(&digits) {
        Ok(digits) => digits.trim_ascii_start(),
        Err(_) => "?",
    };
    if index == expected.len() && index == found.len() {
        return None;
    }
    Some(if index < found.len() && !holds(expected, found[index]) {
        let unknown = Message::of(&["`", set, "` has no label `", found[index], "`"]);
        if index < expected.len() {
            Message::of(&[unknown.as_str(), ": position ", position, " is `", expected[index], "`"])
        } else {
            unknown
        }
    } else if index < expected.len() && !holds(found, expected[index]) {
        Message::of(&[
            "position ",
            position,
            " of `",
            set,
            "` is `",
            expected[index],
            "`, which is missing here",
        ])
    } else if index < expected.len() {
        Message::of(&[
            "position ",
            position,
            " of `",
            set,
            "` is `",
            expected[index],
            "`, not `",
            found[index],
            "`",
        ])
    } else {
        Message::of(&["`", found[index], "` is listed twice; `", set, "` has it once"])
    })
}

const fn holds(labels: &[&str], label: &str) -> bool {
    let mut index = 0;
    while index < labels.len() {
        if equal(labels[index], label) {
            return true;
        }
        index += 1;
    }
    false
}

/// `==` for `&str` is not const yet.
const fn equal(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut index = 0;
    while index < one.len() && index < other.len() && one[index] == other[index] {
        index += 1;
    }
    index == one.len() && index == other.len()
}

/// A number's digits, padded with leading blanks.
const fn decimal(mut number: usize) -> [u8; 20] {
    let mut digits = [b' '; 20];
    let mut index = digits.len();
    while index > 0 && (number > 0 || index == digits.len()) {
        index -= 1;
        digits[index] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    digits
}
