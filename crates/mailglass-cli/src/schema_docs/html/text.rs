//! Small pieces of the page, and how text becomes HTML.

use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::super::model::{Docs, Name};

/// The width of a character of the diagrams' font at 12 pixels, in tenths: the widest of the usual monospace fonts.
const CHARACTER: usize = 73;

/// The width of a text in a diagram. Wide scripts take the room of two letters.
pub(super) fn width_of(text: &str) -> i32 {
    let letters: usize = text.chars().map(|c| if c < '\u{1100}' { 1 } else { 2 }).sum();
    i32::try_from((letters * CHARACTER).div_ceil(10)).unwrap_or(i32::MAX / 8)
}

/// A text cut to what has room in a diagram.
pub(super) fn cut(text: &str, letters: usize) -> String {
    let limit = width_of(&"m".repeat(letters));
    if width_of(text) <= limit {
        return text.to_owned();
    }
    let mut cut = String::new();
    for c in text.chars() {
        cut.push(c);
        if width_of(&cut) + width_of("…") > limit {
            cut.pop();
            break;
        }
    }
    cut + "…"
}

/// A diagram's size: as wide as it is, or down to three quarters of it where there is less room.
pub(super) fn fitting(width: i32) -> String {
    format!("max-width:{width}px;min-width:{}px", width * 3 / 4)
}

/// Words in lines of so many letters, for a diagram.
pub(super) fn wrap(text: &str, letters: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= letters => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(cut(word, letters)),
        }
    }
    lines
}

/// Markdown as HTML; HTML in it stays text, and headings become bold lines, because the page has headings of its own.
pub(super) fn markdown(text: &str) -> Markup {
    let events = Parser::new_ext(text, Options::ENABLE_TABLES).map(|event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        Event::Start(Tag::Heading { .. }) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::Heading(_)) => Event::End(TagEnd::Paragraph),
        Event::Start(Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        }) => Event::Start(Tag::Link {
            link_type,
            dest_url: if is_safe(&dest_url) {
                dest_url
            } else {
                "#content".into()
            },
            title,
            id,
        }),
        // The page loads nothing: a picture's words stand for it.
        Event::Start(Tag::Image { .. }) => Event::Start(Tag::Emphasis),
        Event::End(TagEnd::Image) => Event::End(TagEnd::Emphasis),
        other => other,
    });
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, events);
    PreEscaped(html)
}

/// Markdown of one paragraph, without the paragraph.
pub(super) fn inline(text: &str) -> Markup {
    let html = markdown(text).into_string();
    let inner = html.trim().strip_prefix("<p>").and_then(|it| it.strip_suffix("</p>"));
    match inner {
        Some(inner) if !inner.contains("<p>") => PreEscaped(inner.to_owned()),
        _ => html! { div { (PreEscaped(html)) } },
    }
}

/// Whether a link leads to a page and runs nothing.
fn is_safe(url: &str) -> bool {
    let scheme = url.split(['/', '?', '#']).next().unwrap_or_default();
    match scheme.split_once(':') {
        Some((scheme, _)) => ["https", "http", "mailto"].contains(&scheme.to_ascii_lowercase().as_str()),
        None => true,
    }
}

/// A COMMENT, which is plain text; its lines stay lines.
pub(super) fn comment(text: Option<&String>) -> Markup {
    html! { @if let Some(text) = text { p.c { (text) } } }
}

/// A mark beside a name.
pub(super) fn badge(class: &str, text: &str) -> Markup {
    html! {
        " "
        @if class.is_empty() { span.b { (text) } } @else { span.b.(class) { (text) } }
    }
}

/// A heading's own link.
pub(super) fn own_link(anchor: &str) -> Markup {
    html! { " " a.h href={ "#" (anchor) } aria-label="Link to this" { "#" } }
}

/// A block of code, with a button that JavaScript wakes.
pub(super) fn code_block(code: &str) -> Markup {
    html! {
        div.code {
            button.copy type="button" hidden { "Copy" }
            pre { code { (code) } }
        }
    }
}

/// A table that scrolls by itself where it is wider than the page.
pub(super) fn scrolling(label: &str, table: &Markup) -> Markup {
    html! { div.wide role="region" tabindex="0" aria-label=(label) { (table) } }
}

/// A relation's name, as a link where the docs hold it.
pub(super) fn relation_link(docs: &Docs, name: &Name) -> Markup {
    html! {
        @match docs.relation_anchor(name) {
            Some(anchor) => a href={ "#" (anchor) } { code { (name.plain()) } },
            None => code { (name.plain()) },
        }
    }
}

/// A column of a relation, as a link where the docs hold it.
pub(super) fn column_link(docs: &Docs, relation: &Name, column: &str) -> Markup {
    let is_held = docs
        .relation(relation)
        .is_some_and(|it| it.columns.iter().any(|it| it.name == column));
    html! {
        @if is_held {
            a href={ "#" (relation.anchor_of("column", column)) } { code { (column) } }
        } @else {
            code { (column) }
        }
    }
}

/// Things with commas between them.
pub(super) fn list(things: impl IntoIterator<Item = Markup>) -> Markup {
    html! {
        @for (index, thing) in things.into_iter().enumerate() {
            @if index > 0 { ", " }
            (thing)
        }
    }
}
