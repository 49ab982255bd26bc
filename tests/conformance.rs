//! `docs/CONFORMANCE.md` maps every test case of the protocol documents to the test that covers it. It is generated from
//! the tests themselves: a doc comment `Covers spec/10: 1, 2.` above a test claims cases 1 and 2 of
//! `docs/protocol/10-….md`. This test fails when the page is stale; `UPDATE_CONFORMANCE=1 cargo test --test conformance`
//! writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// A test case of a document: its number and its beginning.
type Cases = BTreeMap<u32, String>;

/// A document and a case in it.
type Case = (u32, u32);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !matches!(&*name, "target" | "node_modules" | "data") {
                files(&path, ending, found);
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
}

/// The numbered items and rows under the heading "Test cases", and the numbered rows of the tables of hazards.
fn cases(document: &str) -> Cases {
    let mut cases = Cases::new();
    let mut in_list = false;
    let mut last = None;
    let hazards = document.starts_with("# 90.");
    for line in document.lines() {
        if line.starts_with('#') {
            in_list = line.contains("Test cases");
            last = None;
        }
        // Elsewhere a number in the first column belongs to a table of the protocol.
        if let Some(row) = line.strip_prefix("| ").filter(|_| hazards || in_list) {
            let cells: Vec<&str> = row.split(" | ").collect();
            if let Some(number) = cells.first().and_then(|cell| cell.trim().parse().ok()) {
                let text = if hazards && cells.len() > 4 { cells[3] } else { cells[1] };
                cases.insert(number, text.trim().to_owned());
            }
        }
        if !in_list {
            continue;
        }
        let item = line.split_once(". ").and_then(|(number, text)| Some((number.parse::<u32>().ok()?, text)));
        if let Some((number, text)) = item {
            cases.insert(number, text.trim().to_owned());
            last = Some(number);
        } else if let Some(text) = last.and_then(|number| cases.get_mut(&number))
            && line.starts_with("   ")
        {
            text.push(' ');
            text.push_str(line.trim());
        }
    }
    cases
}

/// Which tests claim which case of which document.
fn claims() -> BTreeMap<Case, Vec<String>> {
    let mut sources = Vec::new();
    for folder in ["src", "tests", "testkit", "wire-derive"] {
        files(&root().join(folder), ".rs", &mut sources);
    }
    let mut claims: BTreeMap<Case, Vec<String>> = BTreeMap::new();
    for source in sources.iter().filter(|path| !path.ends_with("tests/conformance.rs")) {
        let text = fs::read_to_string(source).expect("a source file can be read");
        let place = source.strip_prefix(root()).expect("sources are below the root").display().to_string();
        for (case, name) in claims_in(&text).unwrap_or_else(|problem| panic!("{place}: {problem}")) {
            claims.entry(case).or_default().push(format!("`{place}` {name}"));
        }
    }
    claims
}

/// The cases that a source file claims, each with the name of its test, which is run with all others.
fn claims_in(text: &str) -> Result<Vec<(Case, String)>, String> {
    let mut found = Vec::new();
    let (mut pending, mut attributes): (Vec<Case>, Vec<&str>) = (Vec::new(), Vec::new());
    for line in text.lines().map(str::trim) {
        let comment = line.strip_prefix("///").or_else(|| line.strip_prefix("//"));
        if let Some(comment) = comment {
            pending.extend(claimed(comment));
        } else if line.starts_with('#') {
            attributes.push(line);
        } else if !line.is_empty() {
            let is = |names: &[&str]| attributes.iter().any(|it| names.iter().any(|name| it.starts_with(name)));
            let is_run = is(&["#[test]", "#[tokio::test"]) && !is(&["#[ignore", "#[cfg", "#[should_panic"]);
            match function(line).filter(|_| is_run) {
                Some(name) => found.extend(pending.drain(..).map(|case| (case, name.clone()))),
                None if pending.is_empty() => {}
                None => return Err(format!("a claim above something that is no test, or none that is run: {line}")),
            }
            attributes.clear();
        }
    }
    Ok(found)
}

/// `Covers spec/10: 1, 2; spec/20: 3.`
fn claimed(comment: &str) -> Vec<Case> {
    let Some((_, list)) = comment.split_once("Covers spec/") else { return Vec::new() };
    let list = list.trim_end_matches(['.', ' ']);
    let mut found = Vec::new();
    for part in list.split(';') {
        let part = part.trim().trim_start_matches("spec/");
        let (document, numbers) = part.split_once(':').unwrap_or_else(|| panic!("a claim without numbers: {comment}"));
        let document: u32 = document.trim().parse().unwrap_or_else(|_| panic!("no document number: {comment}"));
        for number in numbers.split(',') {
            let number = number.trim().parse().unwrap_or_else(|_| panic!("no case number: {comment}"));
            found.push((document, number));
        }
    }
    found
}

fn function(line: &str) -> Option<String> {
    let rest = ["fn ", "pub fn ", "async fn ", "pub async fn "].iter().find_map(|start| line.strip_prefix(start))?;
    rest.split(['(', '<']).next().map(|name| name.trim().to_owned())
}

fn page() -> String {
    let mut documents = Vec::new();
    files(&root().join("docs/protocol"), ".md", &mut documents);
    let claims = claims();
    let mut page = String::from(
        "# Conformance\n\nEvery test case of `docs/protocol/`, and the test that covers it. Generated from the tests \
         (`tests/conformance.rs`): a case without a test says \"not yet\".\n",
    );
    let mut known = std::collections::BTreeSet::new();
    for document in &documents {
        let name = document.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let number: u32 =
            name.split('-').next().and_then(|number| number.parse().ok()).expect("documents are numbered");
        let cases = cases(&fs::read_to_string(document).expect("a document can be read"));
        let covered = cases.keys().filter(|case| claims.contains_key(&(number, **case))).count();
        writeln!(page, "\n## {name}: {covered} of {}\n\n| case | | test |\n| --- | --- | --- |", cases.len()).unwrap();
        for (case, text) in &cases {
            known.insert((number, *case));
            let short: String = text.chars().take(90).collect();
            let more = if short.len() < text.len() { "…" } else { "" };
            let tests = claims.get(&(number, *case)).map_or_else(|| "not yet".to_owned(), |tests| tests.join("<br>"));
            writeln!(page, "| {case} | {}{more} | {tests} |", short.replace('|', "\\|")).unwrap();
        }
    }
    for claim in claims.keys() {
        assert!(known.contains(claim), "spec/{} has no case {}: {:?}", claim.0, claim.1, claims[claim]);
    }
    page
}

#[test]
fn the_page_tells_what_the_tests_claim() {
    let path = root().join("docs/CONFORMANCE.md");
    let page = page();
    if std::env::var_os("UPDATE_CONFORMANCE").is_some() {
        fs::write(&path, &page).expect("the page can be written");
    }
    let current = fs::read_to_string(&path).unwrap_or_default();
    assert!(current == page, "docs/CONFORMANCE.md is stale: UPDATE_CONFORMANCE=1 cargo test --test conformance");
}

#[test]
fn the_cases_of_every_document_are_found() {
    let mut documents = Vec::new();
    files(&root().join("docs/protocol"), ".md", &mut documents);
    let counts: Vec<usize> =
        documents.iter().map(|document| cases(&fs::read_to_string(document).unwrap()).len()).collect();
    assert!(counts.iter().all(|count| *count > 20), "{counts:?}");
    assert_eq!(cases(&fs::read_to_string(&documents[0]).unwrap())[&2][..26].to_owned(), "Same IQ again while runnin");
}

#[test]
fn only_a_test_that_is_run_claims_a_case() {
    let under = |between: &str| claims_in(&format!("/// Covers spec/10: 1, 2; spec/90: 3.\n{between}\nfn name() {{}}"));
    let all = [(10, 1), (10, 2), (90, 3)].map(|case| (case, "name".to_owned()));
    for run in ["#[test]", "/// And more.\n#[tokio::test(start_paused = true)]", "#[test]\n#[rustfmt::skip]"] {
        assert_eq!(under(run).as_deref(), Ok(&all[..]), "{run}");
    }
    for other in [
        "",
        "#[test]\n#[ignore = \"takes long\"]",
        "#[ignore]\n#[test]",
        "#[test]\nconst A: u8 = 0;",
        "#[derive(Debug)]",
        "#[cfg(windows)]\n#[test]",
    ] {
        assert!(under(other).is_err(), "{other}");
    }
}
