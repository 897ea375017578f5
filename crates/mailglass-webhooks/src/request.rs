//! The request, as any web framework can describe it.

/// A webhook's request: the raw body, the headers, and the URL if the provider signs it or a secret is in it.
///
/// Give it the bytes as they arrived. A body that was parsed and written again has another signature.
///
/// ```
/// use mailglass_webhooks::Request;
///
/// let request = Request::new(br#"{"RecordType":"Delivery"}"#)
///     .header("Authorization", "Basic bWFpbGdsYXNzOnNlY3JldA==")
///     .url("/webhooks/postmark");
/// ```
#[derive(Clone)]
pub struct Request<'a> {
    body: &'a [u8],
    headers: Vec<(&'a str, &'a [u8])>,
    url: &'a str,
}

impl<'a> Request<'a> {
    /// A request with this body and no headers.
    pub fn new(body: &'a [u8]) -> Self {
        Request {
            body,
            headers: Vec::new(),
            url: "",
        }
    }

    /// Adds a header. The case of its name does not matter.
    #[must_use]
    pub fn header(mut self, name: &'a str, value: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        self.headers.push((name, value.as_ref()));
        self
    }

    /// Adds headers, such as those of a `HeaderMap`:
    /// `headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))`.
    #[must_use]
    pub fn headers(mut self, headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        self.headers.extend(headers);
        self
    }

    /// The URL of the request, or its path and query. A [secret path](crate::Credential::path) is compared with it.
    #[must_use]
    pub fn url(mut self, url: &'a str) -> Self {
        self.url = url;
        self
    }

    /// The raw body.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// The value of a header, unless it is absent or occurs more than once: two values of a signature are ambiguous.
    pub(crate) fn value(&self, name: &str) -> Option<&'a [u8]> {
        let mut values = self
            .headers
            .iter()
            .filter(|(there, _)| there.eq_ignore_ascii_case(name));
        let (_, value) = values.next()?;
        values.next().is_none().then_some(*value)
    }

    /// Whether a header is there, once or more.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(there, _)| there.eq_ignore_ascii_case(name))
    }

    /// The value of a header that is text.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        std::str::from_utf8(self.value(name)?).ok().map(str::trim)
    }

    /// The path of the URL, without scheme, host, query and fragment.
    pub(crate) fn path(&self) -> &'a str {
        let url = self.url.split(['?', '#']).next().unwrap_or_default();
        match url.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |start| &rest[start..]),
            None => url,
        }
    }
}
