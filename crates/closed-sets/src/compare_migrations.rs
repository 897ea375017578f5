//! Compares a set of the manifest with the PostgreSQL enum that the migrations create.

use crate::code::Code;
use crate::did_you_mean::did_you_mean;
use crate::finding::Finding;
use crate::label_list::{HOW, LabelList, is_mutual, of_manifest, order, reports_tombstone};
use crate::manifest::Set;
use crate::migrations::PgEnum;

/// Reports every difference.
pub(crate) fn compare(set: &Set, postgres: &PgEnum, findings: &mut Vec<Finding>) {
    let here = of_manifest(set);
    let there = LabelList {
        name: "the migrations",
        at: &postgres.at,
        labels: postgres.labels.iter().collect(),
    };
    let name = &set.name;
    for (index, row) in set.live().enumerate().filter(|(_, row)| !there.has(&row.label.text)) {
        let label = row.label.text.escape_debug().to_string();
        let guess = there.guess(&here, &row.label.text);
        let gap = guess
            .and_then(|label| there.position(label))
            .unwrap_or_else(|| there.gap_for(&here, index));
        let statement = match (
            guess,
            here.labels[index + 1..].iter().find(|label| there.has(&label.text)),
        ) {
            (Some(old), _) => format!("ALTER TYPE {name} RENAME VALUE '{old}' TO '{label}';"),
            (None, Some(next)) => format!("ALTER TYPE {name} ADD VALUE '{label}' BEFORE '{}';", next.text),
            (None, None) => format!("ALTER TYPE {name} ADD VALUE '{label}';"),
        };
        let message = format!(
            "label `{label}` is in the manifest, but the migrations do not create it{}",
            did_you_mean(guess)
        );
        let help = format!("correct the row, or add a migration: {statement}");
        let finding = Finding::new(Code::MigrationsBehind, &row.label.at, message, help);
        findings.push(finding.compared(there.around(gap), here.around(index)));
    }
    for (index, &label) in there
        .labels
        .iter()
        .enumerate()
        .filter(|(_, label)| !here.has(&label.text))
    {
        if reports_tombstone(set, label, findings) || is_mutual(&there, &here, &label.text) {
            continue;
        }
        let guess = did_you_mean(here.guess(&there, &label.text));
        let message = format!(
            "label `{}` is in {}, but not in the manifest{guess}",
            label.text.escape_debug(),
            there.name
        );
        let help = format!("add a row to {} and a variant to `{}`; {HOW}", set.at.file, set.rust);
        let finding = Finding::new(Code::MigrationsAhead, &label.at, message, help);
        findings.push(finding.compared(here.around(here.gap_for(&there, index)), there.around(index)));
    }
    findings.extend(order(&here, &there));
}
