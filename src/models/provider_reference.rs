//! The provider message that an event names.

use serde_json::Value;

/// The provider message that an event names in its `metadata`, else in its `normalized_payload`, key by key.
pub(crate) struct ProviderReference<'a> {
    pub(crate) provider: Option<&'a str>,
    pub(crate) message_id: Option<&'a str>,
    pub(crate) recipient: Option<&'a str>,
    /// Whether the message id is not a text, or has no provider beside it. No delivery can be found by it. The provider
    /// wrote it, so the event is appended and waits as `malformed` instead of being rejected.
    pub(crate) malformed: bool,
}

impl<'a> ProviderReference<'a> {
    pub(crate) fn read(metadata: &'a Value, payload: &'a Value) -> Self {
        Self::find(|key| member(metadata, key).or_else(|| member(payload, key)))
    }

    /// Reads the reference with a function that finds the value of a key. The value is `Some(None)` if it is not a text.
    pub(super) fn find(find: impl Fn(&str) -> Option<Option<&'a str>>) -> Self {
        let text = |key| find(key).flatten().filter(|text| usable(text));
        let (provider, message_id) = (text("provider"), text("provider_message_id"));
        let complete = provider.is_some() && message_id.is_some();
        ProviderReference {
            provider,
            message_id: message_id.filter(|_| complete),
            recipient: text("recipient"),
            malformed: find("provider_message_id").is_some() && !complete,
        }
    }
}

/// The value of a key, unless it is null. It is `Some(None)` if it is not a text.
pub(super) fn member<'a>(object: &'a Value, key: &str) -> Option<Option<&'a str>> {
    let value = object.get(key).filter(|value| !value.is_null())?;
    Some(value.as_str())
}

/// Whether the columns of a delivery can hold the text.
pub(super) fn usable(text: &str) -> bool {
    !text.trim().is_empty() && !text.contains('\0')
}
