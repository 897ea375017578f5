//! The parts of a Markdown file that can be wrong: its links, its anchors and its code.

use std::collections::{BTreeMap, BTreeSet};

use pulldown_cmark::{BrokenLink, CodeBlockKind, Event, LinkType, Options, Parser, Tag, TagEnd};

#[derive(Default)]
pub struct Document {
    /// The destinations of links and images.
    pub links: Vec<String>,
    /// Reference links without a definition, such as `[text][label]`.
    pub undefined: Vec<String>,
    /// The fragments that a link to this document may have.
    pub anchors: BTreeSet<String>,
    /// The fenced code blocks: language and text.
    pub blocks: Vec<(String, String)>,
    /// The text of code within a line.
    pub inline_code: Vec<String>,
}

impl Document {
    pub fn parse(text: &str) -> Document {
        let mut document = Document::default();
        let mut undefined = Vec::new();
        let mut note_undefined = |link: BrokenLink<'_>| {
            // `[label]` alone is more likely to be text.
            if link.link_type == LinkType::Reference {
                undefined.push(link.reference.into_string());
            }
            None
        };
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_GFM;
        let parser = Parser::new_with_broken_link_callback(text, options, Some(&mut note_undefined));
        let mut slugs = Slugs::default();
        let mut heading: Option<String> = None;
        let mut block: Option<(String, String)> = None;
        for event in parser {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    document.links.push(dest_url.into_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let title = heading.take().unwrap_or_default();
                    document.anchors.insert(slugs.unique(&title));
                }
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                    block = Some((language.into_string(), String::new()));
                }
                Event::End(TagEnd::CodeBlock) => document.blocks.extend(block.take()),
                Event::Text(text) => {
                    if let Some((_, code)) = &mut block {
                        code.push_str(&text);
                    } else if let Some(title) = &mut heading {
                        title.push_str(&text);
                    }
                }
                Event::Code(code) => {
                    if let Some(title) = &mut heading {
                        title.push_str(&code);
                    }
                    document.inline_code.push(code.into_string());
                }
                Event::Html(html) | Event::InlineHtml(html) => document.anchors.extend(ids(&html)),
                _ => {}
            }
        }
        document.undefined = undefined;
        document
    }
}

/// The values of `id` and `name` in HTML.
pub fn ids(html: &str) -> impl Iterator<Item = String> {
    let after = |attribute: &'static str| html.split(attribute).skip(1);
    after(" id=\"")
        .chain(after(" name=\""))
        .filter_map(|rest| rest.split('"').next())
        .map(str::to_owned)
}

/// The anchors that code hosts and rustdoc give to headings.
#[derive(Default)]
struct Slugs {
    used: BTreeMap<String, usize>,
}

impl Slugs {
    fn unique(&mut self, title: &str) -> String {
        let slug: String = title
            .chars()
            .filter_map(|character| match character {
                ' ' => Some('-'),
                '-' | '_' => Some(character),
                _ if character.is_alphanumeric() => Some(character.to_ascii_lowercase()),
                _ => None,
            })
            .collect();
        let count = self.used.entry(slug.clone()).or_default();
        *count += 1;
        if *count == 1 {
            slug
        } else {
            format!("{slug}-{}", *count - 1)
        }
    }
}
