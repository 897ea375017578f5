//! Hard and soft bounces.

use crate::models::EventDetails;

/// What a bounce says about the address. It is read from what the provider states, never guessed from a text.
///
/// ```
/// use mailglass::EventDetails;
/// use mailglass::suppressions::Bounce;
///
/// let no_such_user = EventDetails { enhanced_status: Some("5.1.1".to_owned()), ..EventDetails::default() };
/// assert_eq!(Bounce::of(&no_such_user), Some(Bounce::Hard));
///
/// let mailbox_full = EventDetails { smtp_code: Some(452), ..EventDetails::default() };
/// assert_eq!(Bounce::of(&mailbox_full), Some(Bounce::Soft));
///
/// // The message was refused, not the address.
/// let is_spam = EventDetails { enhanced_status: Some("5.7.1".to_owned()), ..EventDetails::default() };
/// assert_eq!(Bounce::of(&is_spam), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounce {
    /// The address does not work.
    Hard,
    /// The address may work later.
    Soft,
}

impl Bounce {
    /// The kind of a bounce, given its details; `None` if they do not tell. The first of these that is there decides:
    ///
    /// 1. `permanent`: `true` is hard, `false` is soft.
    /// 2. `enhanced_status` (RFC 3463): `5.1.x` and `5.2.1` are hard, except `5.1.7` and `5.1.8`, which are about the sender.
    ///    `4.x.x` is soft. Others are about the message, the sender or the server.
    /// 3. `smtp_code`: 4xx is soft. A code of 5xx does not tell whether the address or the message was refused.
    pub fn of(details: &EventDetails) -> Option<Bounce> {
        if let Some(permanent) = details.permanent {
            return Some(if permanent { Bounce::Hard } else { Bounce::Soft });
        }
        match details.enhanced_status.as_deref().and_then(enhanced_status) {
            Some([5, 1, 7 | 8]) => None,
            Some([5, 1, _] | [5, 2, 1]) => Some(Bounce::Hard),
            Some([4, _, _]) => Some(Bounce::Soft),
            Some(_) => None,
            None => match details.smtp_code {
                Some(400..=499) => Some(Bounce::Soft),
                _ => None,
            },
        }
    }
}

/// The class, the subject and the detail.
fn enhanced_status(text: &str) -> Option<[u16; 3]> {
    let number = |part: &str| {
        let is_number = (1..=3).contains(&part.len()) && part.bytes().all(|digit| digit.is_ascii_digit());
        part.parse().ok().filter(|_| is_number)
    };
    let mut parts = text.trim().split('.').map(number);
    let status = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(permanent: Option<bool>, enhanced_status: Option<&str>, smtp_code: Option<u16>) -> Option<Bounce> {
        Bounce::of(&EventDetails {
            permanent,
            enhanced_status: enhanced_status.map(str::to_owned),
            smtp_code,
            ..EventDetails::default()
        })
    }

    #[test]
    fn what_the_provider_says_decides_before_any_code() {
        assert_eq!(of(Some(false), Some("5.1.1"), Some(550)), Some(Bounce::Soft));
        assert_eq!(of(Some(true), Some("4.2.2"), Some(452)), Some(Bounce::Hard));
    }

    #[test]
    fn an_enhanced_status_tells_whether_the_address_or_something_else_was_refused() {
        for status in [
            "5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", " 5.1.1 ",
        ] {
            assert_eq!(of(None, Some(status), None), Some(Bounce::Hard), "{status}");
        }
        for status in ["4.2.2", "4.1.1", "4.7.1", "4.0.0"] {
            assert_eq!(of(None, Some(status), Some(550)), Some(Bounce::Soft), "{status}");
        }
        for status in ["5.1.7", "5.1.8", "5.2.2", "5.7.1", "5.0.0", "5.4.4", "2.1.5"] {
            assert_eq!(of(None, Some(status), Some(450)), None, "{status}");
        }
    }

    #[test]
    fn a_code_alone_tells_only_that_a_bounce_is_soft() {
        assert_eq!(of(None, None, Some(452)), Some(Bounce::Soft));
        assert_eq!(of(None, None, Some(550)), None);
        assert_eq!(of(None, None, None), None);
    }

    #[test]
    fn a_malformed_status_counts_as_absent() {
        for status in [
            "",
            "5.1",
            "5.1.1.1",
            "5.1.x",
            "5.1.1111",
            "+5.1.1",
            "5..1",
            "no such user",
        ] {
            assert_eq!(of(None, Some(status), Some(421)), Some(Bounce::Soft), "{status}");
            assert_eq!(of(None, Some(status), Some(550)), None, "{status}");
        }
    }
}
