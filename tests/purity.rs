//! The core does no I/O, reads no clock, and has no randomness but its own (docs/ARCHITECTURE.md).

use std::fs;
use std::path::{Path, PathBuf};

/// What must not be named in the core, and why.
const FORBIDDEN: &[(&str, &str)] = &[
    ("use std::{", "name what is imported line by line, so that it can be seen here"),
    ("sync::{", "name what is imported line by line, so that it can be seen here"),
    ("tokio", "async and I/O belong to the shell"),
    ("crate::xmpp", "imports point from the shell to the core"),
    ("crate::http", "imports point from the shell to the core"),
    ("crate::server", "imports point from the shell to the core"),
    ("std::net", "no sockets in the core"),
    ("std::fs", "no files in the core"),
    ("std::io", "no I/O in the core"),
    ("std::env", "what is configured comes in as Config"),
    ("std::process", "no processes in the core"),
    ("std::thread", "the core is one thread's"),
    ("thread_local", "no state outside of Focus"),
    ("std::sync::Mutex", "no locks: one owner"),
    ("std::sync::RwLock", "no locks: one owner"),
    ("std::sync::atomic", "no state outside of Focus"),
    ("OnceLock", "no state outside of Focus"),
    ("LazyLock", "no state outside of Focus"),
    ("static mut", "no state outside of Focus"),
    ("Instant", "time comes in with the input"),
    ("SystemTime", "time comes in with the input"),
    ("thread_rng", "identifiers come from the seeded generator"),
    ("rand::", "identifiers come from the seeded generator"),
    ("getrandom", "identifiers come from the seeded generator"),
    ("RandomState", "hash order must not matter"),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the source folder is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// A file of unit tests alone, which its module declares under `#[cfg(test)]`: here by its name.
fn is_tests(file: &Path) -> bool {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    name == "tests" || name.ends_with("_tests")
}

/// The code of a file: without comments, and without its unit tests, which stand last; the declaration of a file of tests
/// (`mod tests;`) ends nothing.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| pair[0].trim() == "#[cfg(test)]" && pair[1].trim_end().ends_with('{'));
    let end = tests.unwrap_or(lines.len());
    let code = lines.into_iter().take(end).enumerate();
    code.map(|(number, line)| (number + 1, line.split("//").next().unwrap_or_default()))
}

/// Where the order of a `HashMap` cannot matter: these files look up in it and never walk it.
const LOOK_UPS: &[&str] = &["caps.rs", "table.rs", "members.rs", "conference/mod.rs", "floods.rs"];

fn violations(folders: &[&str]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in folders {
        sources(&root.join(folder), &mut files);
    }
    assert!(files.len() > 20, "the core was not found: {files:?}");
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| !is_tests(file)) {
        let text = fs::read_to_string(file).expect("a source file can be read");
        for (number, line) in code(&text) {
            let looks_up = LOOK_UPS.iter().any(|known| file.ends_with(known));
            if !looks_up && (names(line, "HashMap") || names(line, "HashSet")) {
                violations.push(format!("{}:{number}: HashMap: hash order must not reach the wire", file.display()));
            }
            for (word, why) in FORBIDDEN.iter().filter(|(word, _)| names(line, word)) {
                violations.push(format!("{}:{number}: {word}: {why}", file.display()));
            }
        }
    }
    violations
}

/// Whether a line has the word, as a word.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let before = line[..at].chars().next_back().is_some_and(is_part);
        let after = line[at + word.len()..].chars().next().is_some_and(is_part);
        !(before || after && word.ends_with(is_part))
    })
}

#[test]
fn the_core_and_the_wire_do_no_io_and_know_no_clock() {
    assert_eq!(violations(&["src/focus", "src/wire"]), Vec::<String>::new());
}

#[test]
fn a_forbidden_import_is_found() {
    assert!(names("use tokio::net::TcpStream;", "tokio"));
    assert!(names("    let now = std::time::Instant::now();", "Instant"));
    assert!(!names("use crate::focus::instants;", "Instant"));
    assert!(!names("let instantaneous = 1;", "Instant"));
    assert!(names("use std::{fs, net};", "use std::{"));
    let lines = "#[cfg(test)]\nmod tests;\nuse std::fs;\n#[cfg(test)]\nmod tests {\nuse std::net;";
    assert_eq!(code(lines).map(|(_, line)| line).collect::<Vec<_>>(), ["#[cfg(test)]", "mod tests;", "use std::fs;"]);
}
