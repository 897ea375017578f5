//! The examples in the README are executed, in their order and on one database, and their output is compared.

use std::fs;
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use mailglass::{EventType, ledger};
use test_support::{connect, event, server, to};
use uuid::Uuid;

use crate::folder::Folder;
use crate::program::program_on;
use crate::terminal::on_a_terminal;

const BLOCK: &str = "```console\n";

/// The id in the README's example of `mailglass timeline`.
const ID: &str = "0193f0a2-7c4e-7d1a-9c39-0a1b2c3d4e5f";

/// Inserts a delivery with three events, and one event before its delivery. Returns the id of the first delivery.
fn insert_examples(conn: &mut PgConnection) -> Uuid {
    let delivery = to("ann@example.com").insert(conn).unwrap().into_delivery();
    let message = |event_type, seconds, id: &str| event(event_type, seconds).provider_message("postmark", id);
    let delivery = delivery
        .mark_dispatched(conn, "postmark", "0a129aee", test_support::at(2))
        .unwrap();
    ledger::record(conn, &[message(EventType::Delivered, 5, "0a129aee")]).unwrap();
    ledger::record(conn, &[message(EventType::Delivered, 7, "b51c33f0")]).unwrap();
    to("bob@example.com")
        .provider("postmark")
        .provider_message_id("b51c33f0")
        .insert(conn)
        .unwrap();
    conn.batch_execute("CREATE TABLE orders (id integer PRIMARY KEY)")
        .unwrap();
    delivery.id
}

/// Replaces what differs from run to run with zeros: ids, today's times, sizes and the versions of exported migrations.
fn normalized(output: &str) -> String {
    let zeros = |word: &str| -> String {
        let zero = |character: char| {
            if character.is_ascii_alphanumeric() {
                '0'
            } else {
                character
            }
        };
        word.chars().map(zero).collect()
    };
    let normalize = |word: &str| match word {
        word if Uuid::parse_str(word).is_ok() || (word.len() > 3 && word.parse::<u64>().is_ok()) => zeros(word),
        word if word.len() == 27 && word.ends_with('Z') => zeros(word),
        word => match word.split_once("_mailglass_") {
            Some((date, name)) => format!("{}_mailglass_{name}", zeros(date)),
            None => word.to_owned(),
        },
    };
    let words: Vec<String> = output.split(' ').map(normalize).collect();
    words.join(" ")
}

/// `BLESS=1` writes the outputs into the README.
#[test]
fn the_examples_in_the_readme_give_the_output_that_it_shows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let database = server().database().unwrap();
    let mut conn = connect(&database);
    let folder = Folder::new();
    fs::create_dir(folder.path().join("migrations")).unwrap();
    let mut id = None;
    let mut parts = readme.split(BLOCK);
    let mut found = parts.next().unwrap().to_owned();
    for part in parts {
        let (block, after) = part.split_once("\n```\n").unwrap();
        let line = block.lines().next().unwrap();
        let arguments = line.strip_prefix("$ mailglass ").unwrap();
        let mut command = program_on(&database);
        command.current_dir(folder.path()).env("NO_COLOR", "1");
        for argument in arguments.split(' ') {
            let argument = argument.trim_matches('\'');
            match id {
                Some(id) if argument == ID => command.arg(format!("{id}")),
                _ => command.arg(argument),
            };
        }
        let output = on_a_terminal(command, 140).replace("\r\n", "\n");
        let output = id.map_or(output.clone(), |id: Uuid| output.replace(&id.to_string(), ID));
        // What a terminal shows: a line is erased before the next frame of the progress bar.
        let shown = |line| str::rsplit(line, "\u{1b}[2K").next().unwrap_or_default();
        let output: Vec<&str> = output.trim_end().lines().map(|line| shown(line).trim_end()).collect();
        found += &format!("{BLOCK}{line}\n{}\n```\n{after}", output.join("\n"));
        if arguments == "migrate" {
            id = Some(insert_examples(&mut conn));
        }
    }
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &found).unwrap();
    } else {
        assert_eq!(normalized(&readme), normalized(&found));
    }
}
