//! The selection of tables and views.

use wildmatch::WildMatch;

/// Patterns with `*` and `?`. A pattern with a dot, such as `billing.*`, matches schema and name. Any other, such as
/// `mailglass_*`, matches the names that `search_path` finds.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    patterns: Vec<String>,
}

impl Selection {
    pub(crate) fn new(patterns: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let patterns = patterns.into_iter().map(|pattern| pattern.as_ref().trim().to_owned());
        Selection {
            patterns: patterns.collect(),
        }
    }

    pub(crate) fn takes(&self, schema: &str, name: &str, is_visible: bool) -> bool {
        let takes = |pattern: &String| matches(pattern, schema, name, is_visible);
        self.patterns.iter().any(takes)
    }

    /// The patterns that match none of the candidates.
    pub(crate) fn unmatched(&self, candidates: &[(&str, &str, bool)]) -> Vec<String> {
        let takes_none = |pattern: &&String| {
            !candidates
                .iter()
                .any(|(schema, name, visible)| matches(pattern, schema, name, *visible))
        };
        self.patterns.iter().filter(takes_none).cloned().collect()
    }
}

fn matches(pattern: &str, schema: &str, name: &str, is_visible: bool) -> bool {
    if pattern.contains('.') {
        WildMatch::new(pattern).matches(&format!("{schema}.{name}"))
    } else {
        is_visible && WildMatch::new(pattern).matches(name)
    }
}
