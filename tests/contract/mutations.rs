//! Every label of the crate's own sets, deleted, renamed, swapped and doubled in each of the three places: the build says
//! so each time, under the right codes.

use crate::base::{ENUMS, MANIFEST, Tree};
use crate::check::snake_case::snake_case;

const CREATE: &str = "migrations/2026-11-21-231501_create_closed_sets/up.sql";

/// A place where a set's values stand, one a line.
struct Site {
    file: &'static str,
    /// The line before the first value.
    head: String,
    /// How many lines come between the two.
    skipped: usize,
}

/// What a mutation does to the lines of a set.
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

/// The codes for a mutation in the manifest, the enums and the migrations.
fn expected(mutation: &str) -> [&'static [&'static str]; 3] {
    match mutation {
        "delete" => [&["MG005", "MG007", "MG018"], &["MG004"], &["MG006"]],
        "rename" => [&["MG004", "MG006", "MG018"], &["MG004"], &["MG006"]],
        // Out of the order of the enum, of the migrations, and of what 0.1.0 released.
        "swap" => [&["MG009", "MG009", "MG019"], &["MG009"], &["MG009"]],
        // The row's label and its variant.
        _ => [&["MG008", "MG008"], &["MG008"], &["MG008"]],
    }
}

/// The lines of a site's values: a variant's with its docs and attributes, a label's without its comma.
fn values(tree: &Tree, site: &Site) -> (usize, Vec<String>) {
    let lines: Vec<&str> = tree.text(site.file).lines().collect();
    let first = lines.iter().position(|it| *it == site.head).unwrap() + 1 + site.skipped;
    let mut values = vec![String::new()];
    let mut taken = 0;
    for line in lines[first..]
        .iter()
        .take_while(|it| !it.is_empty() && !it.starts_with([')', '}']))
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

/// The tree with other values at a site, their numbers and commas set right.
fn with_values(tree: &Tree, site: &Site, taken: usize, values: &[String]) -> Tree {
    let last = values.len() - 1;
    let rendered = values.iter().enumerate().map(|(index, value)| {
        let value = value.trim_end();
        match site.file {
            MANIFEST => value.replacen(value.split('|').nth(1).unwrap(), &format!(" {} ", index + 1), 1),
            CREATE if index == last => value.to_owned(),
            _ => format!("{value},"),
        }
    });
    let mut lines: Vec<String> = tree.text(site.file).lines().map(str::to_owned).collect();
    let first = lines.iter().position(|it| *it == site.head).unwrap() + 1 + site.skipped;
    lines.splice(first..first + taken, rendered);
    let mut mutated = tree.clone();
    mutated.set(site.file, lines.join("\n") + "\n");
    mutated
}

fn sites(set: &str, rust: &str) -> [Site; 3] {
    let site = |file, head: String, skipped| Site { file, head, skipped };
    [
        site(MANIFEST, format!("<!-- closed-set: {set} rust={rust} -->"), 2),
        site(ENUMS, format!("pub enum {rust} {{"), 0),
        site(CREATE, format!("CREATE TYPE {set} AS ENUM ("), 0),
    ]
}

/// Every value at every site: what it is called there, and where.
fn everywhere(tree: &Tree, mut visit: impl FnMut(usize, &Site, usize, &str)) {
    let contract = tree.contract();
    for set in &contract.manifest.sets {
        for (place, site) in sites(&set.name, &set.rust).iter().enumerate() {
            for (index, row) in set.rows.iter().enumerate() {
                let name = if site.file == ENUMS {
                    &row.variant.text
                } else {
                    &row.label.text
                };
                visit(place, site, index, name);
            }
        }
    }
}

#[test]
fn every_mutation_of_every_label_in_every_place_has_its_codes() {
    let tree = Tree::own();
    let mut mutated = 0;
    everywhere(&tree, |place, site, index, name| {
        let (taken, values) = values(&tree, site);
        assert_eq!(with_values(&tree, site, taken, &values).report(), "", "unchanged");
        for (mutation, apply) in MUTATIONS {
            let mut values = values.clone();
            apply(&mut values, index, name);
            let result = with_values(&tree, site, taken, &values);
            assert_eq!(
                result.codes(),
                expected(mutation)[place],
                "{mutation} {name}\n{}",
                result.report()
            );
            mutated += 1;
        }
    });
    assert_eq!(mutated, (3 + 16 + 7 + 5) * 3 * 4);
}

#[test]
fn no_letter_of_a_label_can_change_anywhere_without_a_finding() {
    let tree = Tree::own();
    everywhere(&tree, |_, site, index, name| {
        let (taken, values) = values(&tree, site);
        for letter in 0..name.len() {
            let other = if &name[letter..=letter] == "x" { "y" } else { "x" };
            let changed = [&name[..letter], other, &name[letter + 1..]].concat();
            let mut values = values.clone();
            values[index] = values[index].replace(name, &changed);
            let report = with_values(&tree, site, taken, &values).report();
            assert!(
                report.contains(&snake_case(&changed)),
                "{name} as {changed} in {}: {report}",
                site.file
            );
        }
    });
}
