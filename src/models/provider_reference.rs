//! Which provider message an event names.

use serde_json::Value;

/// The provider message that an event names in its `metadata`, else in its `normalized_payload`, key by key.
#[derive(Debug, PartialEq)]
pub(crate) struct ProviderReference<'a> {
    pub(crate) provider: Option<&'a str>,
    pub(crate) message_id: Option<&'a str>,
    pub(crate) recipient: Option<&'a str>,
    /// Names a message, but not so that a delivery could be found by it: no text, or no provider. The provider wrote it,
    /// so the event is kept and waits where people can see it, rather than being refused.
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

/// Text that a delivery's columns could hold.
fn usable(text: &str) -> bool {
    !text.trim().is_empty() && !text.contains('\0')
}
