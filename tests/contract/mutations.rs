//! Every label of the crate's own sets is deleted, renamed, swapped and duplicated in each of the three places. The check
//! reports every mutation with the right codes.

use heck::ToSnakeCase;
use mailglass::contract::SETS;

use crate::own::{CREATE, Copy, ENUMS, MANIFEST, text};

/// A list of a set's values, one per line.
struct Site {
    file: &'static str,
    /// The line before the first value.
    head: String,
    /// The number of lines between that line and the first value.
    skipped: usize,
}

/// Changes the lines of a set.
type Mutation = fn(&mut Vec<String>, usize, &str);

const MUTATIONS: [(&str, Mutation); 4] = [
    ("delete", |lines, index, _| {
        lines.remove(index);
    }),
    ("rename", |lines, index, name| {
        lines[index] = lines[index].replacen(name, &format!("{name}q"), 1);
    }),
    ("swap", |lines, index, _| {
        let other = if index + 1 < lines.len() { index + 1 } else { index - 1 };
        lines.swap(index, other);
    }),
    ("double", |lines, index, _| lines.insert(index, lines[index].clone())),
];

/// The codes of a mutation in the manifest, in the enums and in the migrations.
fn expected(mutation: &str) -> [&'static [&'static str]; 3] {
    match mutation {
        "delete" => [&["MG005", "MG007", "MG018"], &["MG004"], &["MG006"]],
        "rename" => [&["MG004", "MG006", "MG018"], &["MG004"], &["MG006"]],
        // Another order than the enum, the migrations and release 0.1.0.
        "swap" => [&["MG009", "MG009", "MG019"], &["MG009"], &["MG009"]],
        // The row's label and its variant.
        _ => [&["MG008", "MG008"], &["MG008"], &["MG008"]],
    }
}

/// The number of lines of a site's values, and the values: variants with their documentation, labels without commas.
fn values(site: &Site) -> (usize, Vec<String>) {
    let text = text(site.file);
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().position(|line| *line == site.head).unwrap() + 1 + site.skipped;
    let mut values = vec![String::new()];
    let mut taken = 0;
    for line in lines[first..]
        .iter()
        .take_while(|line| !line.is_empty() && !line.starts_with([')', '}']))
    {
        taken += 1;
        let value = values.last_mut().unwrap();
        value.push_str(line.trim_end_matches(','));
        value.push('\n');
        if !line.trim_start().starts_with("///") {
            values.push(String::new());
        }
    }
    values.pop();
    (taken, values)
}

/// The text of a site's file with other values, and with correct numbers and commas.
fn with_values(site: &Site, taken: usize, values: &[String]) -> String {
    let last = values.len() - 1;
    let rendered = values.iter().enumerate().map(|(index, value)| {
        let value = value.trim_end();
        match site.file {
            MANIFEST => value.replacen(value.split('|').nth(1).unwrap(), &format!(" {} ", index + 1), 1),
            CREATE if index == last => value.to_owned(),
            _ => format!("{value},"),
        }
    });
    let mut lines: Vec<String> = text(site.file).lines().map(str::to_owned).collect();
    let first = lines.iter().position(|line| *line == site.head).unwrap() + 1 + site.skipped;
    lines.splice(first..first + taken, rendered);
    lines.join("\n") + "\n"
}

fn sites(set: &str, rust: &str) -> [Site; 3] {
    let site = |file, head: String, skipped| Site { file, head, skipped };
    [
        site(MANIFEST, format!("<!-- closed-set: {set} rust={rust} -->"), 2),
        site(ENUMS, format!("pub enum {rust} {{"), 0),
        site(CREATE, format!("CREATE TYPE {set} AS ENUM ("), 0),
    ]
}

/// Visits every value at every site, with its name there.
fn everywhere(mut visit: impl FnMut(usize, &Site, usize, &str)) {
    for set in SETS {
        for (place, site) in sites(set.name, set.rust).iter().enumerate() {
            for (index, value) in set.live().enumerate() {
                let name = if site.file == ENUMS { value.variant } else { value.label };
                visit(place, site, index, name);
            }
        }
    }
}

#[test]
fn every_mutation_of_every_label_in_every_place_has_its_codes() {
    let copy = Copy::new("mutations");
    let mut mutated = 0;
    everywhere(|place, site, index, name| {
        let (taken, values) = values(site);
        copy.write(site.file, &with_values(site, taken, &values));
        assert_eq!(copy.findings().1, "", "unchanged");
        for (mutation, apply) in MUTATIONS {
            let mut values = values.clone();
            apply(&mut values, index, name);
            copy.write(site.file, &with_values(site, taken, &values));
            let (codes, report) = copy.findings();
            assert_eq!(codes, expected(mutation)[place], "{mutation} {name}\n{report}");
            mutated += 1;
        }
        copy.write(site.file, &text(site.file));
    });
    assert_eq!(mutated, (3 + 16 + 7 + 5 + 3 + 7) * 3 * 4);
}

#[test]
fn no_letter_of_a_label_can_change_anywhere_without_a_finding() {
    let copy = Copy::new("letters");
    everywhere(|_, site, index, name| {
        let (taken, values) = values(site);
        for letter in 0..name.len() {
            let other = if &name[letter..=letter] == "x" { "y" } else { "x" };
            let changed = [&name[..letter], other, &name[letter + 1..]].concat();
            let mut values = values.clone();
            values[index] = values[index].replace(name, &changed);
            copy.write(site.file, &with_values(site, taken, &values));
            let (_, report) = copy.findings();
            assert!(
                report.contains(&changed.to_snake_case()),
                "{name} as {changed} in {}: {report}",
                site.file
            );
        }
        copy.write(site.file, &text(site.file));
    });
}
