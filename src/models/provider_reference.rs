//! The provider message that an event names.

use serde_json::Value;

/// The provider message that an event names in its `metadata`, else in its `normalized_payload`, key by key.
#[derive(Debug, PartialEq)]
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
        let find = |key| {
            let given = |source: &'a Value| source.get(key).filter(|value| !value.is_null());
            given(metadata).or_else(|| given(payload))
        };
        let text = |key| find(key).and_then(Value::as_str).filter(|text| usable(text));
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

/// Whether the columns of a delivery can hold the text.
fn usable(text: &str) -> bool {
    !text.trim().is_empty() && !text.contains('\0')
}
