//! Recipients that get no mail: after a hard bounce, a complaint or an unsubscription, or because somebody said so.

/// Which suppressions apply to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suppress {
    /// Every suppression, except that transactional mail is held back only by `hard_bounce` and `invalid_recipient`.
    ByStream,
    /// Every suppression.
    Always,
}

impl Suppress {
    pub(crate) fn is_always(self) -> bool {
        self == Suppress::Always
    }
}
