//! Suggestions for misspelt names.

/// The candidate with the fewest edits. A short word may have one edit, a longer word one per three characters.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    let edits = |candidate: &'a str| (strsim::osa_distance(word, candidate), candidate);
    let near = candidates.into_iter().map(edits).filter(|&(edits, _)| edits <= limit);
    near.min_by_key(|&(edits, _)| edits).map(|(_, candidate)| candidate)
}

/// A suggestion as the end of a message; nothing without one.
pub(crate) fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}
