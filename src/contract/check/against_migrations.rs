//! A set of the manifest against the Postgres enum that the migrations leave.

use super::finding::{Code, Finding};
use super::manifest::{self, Set};
use super::migrations::PgEnum;
use super::side::{HOW, Side, did_you_mean, is_mutual, order, reports_tombstone, side_of_manifest};

/// What differs between a set in the manifest and the type that the migrations leave.
pub(crate) fn compare(set: &Set, postgres: &PgEnum, findings: &mut Vec<Finding>) {
    let here = side_of_manifest(set);
    let there = Side {
        name: "the migrations",
        at: &postgres.at,
        labels: postgres.labels.iter().collect(),
    };
    let name = &set.name;
    for (index, row) in set.live().enumerate().filter(|(_, row)| !there.has(&row.label.text)) {
        let label = row.label.text.escape_debug().to_string();
        let guess = there.guess(&here, &row.label.text);
        let gap = guess
            .and_then(|it| there.position(it))
            .unwrap_or_else(|| there.gap_for(&here, index));
        let statement = match (guess, here.labels[index + 1..].iter().find(|it| there.has(&it.text))) {
            (Some(old), _) => format!("ALTER TYPE {name} RENAME VALUE '{old}' TO '{label}';"),
            (None, Some(next)) => format!("ALTER TYPE {name} ADD VALUE '{label}' BEFORE '{}';", next.text),
            (None, None) => format!("ALTER TYPE {name} ADD VALUE '{label}';"),
        };
        let what = format!(
            "label `{label}` is in the manifest, but the migrations don't make it{}",
            did_you_mean(guess)
        );
        let help = format!("correct the row, or add a migration: {statement}");
        let finding = Finding::new(Code::MigrationsBehind, &row.label.at, what, help);
        findings.push(finding.compared(there.around(gap), here.around(index)));
    }
    for (index, &label) in there.labels.iter().enumerate().filter(|(_, it)| !here.has(&it.text)) {
        if reports_tombstone(set, label, findings) || is_mutual(&there, &here, &label.text) {
            continue;
        }
        let guess = did_you_mean(here.guess(&there, &label.text));
        let what = format!(
            "label `{}` is in {}, not in the manifest{guess}",
            label.text.escape_debug(),
            there.name
        );
        let help = format!(
            "add a row for it to {} and a variant to `{}`; {HOW}",
            manifest::FILE,
            set.rust
        );
        let finding = Finding::new(Code::MigrationsAhead, &label.at, what, help);
        findings.push(finding.compared(here.around(here.gap_for(&there, index)), there.around(index)));
    }
    findings.extend(order(&here, &there));
}
