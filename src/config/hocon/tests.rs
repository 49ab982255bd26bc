//! Constructs of spec/70 §2, mistakes, and garbage.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::config::problem::{Problem, Severity};

/// Text of the values without their origins, as JSON with every scalar as text.
pub(super) fn plain(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Broken => "<broken>".into(),
        Value::Text { text, .. } => text.as_str().into(),
        Value::List(elements) => elements.iter().map(plain).collect(),
        Value::Object(fields) => {
            serde_json::Value::Object(fields.iter().map(|(key, node)| (key.clone(), plain(node))).collect())
        }
    }
}

fn resolve(loader: Loader, environment: &[(&str, &str)]) -> (Node, Vec<Problem>) {
    let environment: BTreeMap<&str, &str> = environment.iter().copied().collect();
    let (tree, _, mut problems) = loader.finish();
    let (root, unresolved) =
        tree.resolve(&|name| environment.get(name).map_or(Variable::Absent, |v| Variable::Text((*v).to_owned())));
    problems.extend(unresolved);
    (root, problems)
}

pub(super) fn read(text: &str) -> (Node, Vec<Problem>) {
    let mut loader = Loader::default();
    loader.load_text("x.conf", text);
    resolve(loader, &[("JITSI_REGION", "us-west")])
}

#[track_caller]
fn reads(text: &str, json: &str) {
    let (root, problems) = read(text);
    assert_eq!(problems, [], "{text}");
    assert_eq!(plain(&root), serde_json::from_str::<serde_json::Value>(json).expect("the test's JSON"), "{text}");
}

#[track_caller]
fn fails(text: &str, place: &str, says: &str) {
    let (_, problems) = read(text);
    let first = problems.first().unwrap_or_else(|| panic!("no problem in {text:?}")).to_string();
    assert!(first.starts_with(&format!("x.conf:{place}: ")), "{text:?}: {first}");
    assert!(first.contains(says), "{text:?}: {first}");
}

#[test]
fn values_are_read_as_written() {
    reads("", "{}");
    reads("\u{feff}a = 1\r\nb = 2\r\n", r#"{"a":"1","b":"2"}"#);
    reads("{ a = 1 }\n# end", r#"{"a":"1"}"#);
    reads(r#"{"a": {"b": [1, "x", true, null]}}"#, r#"{"a":{"b":["1","x","true",null]}}"#);
    reads("a = 007, b : 90 seconds  \nc { d=x }", r#"{"a":"007","b":"90 seconds","c":{"d":"x"}}"#);
    reads("pw = a #b", r#"{"pw":"a"}"#);
    for (text, value) in [("pw = a#b", "a"), ("url = http//x", "http")] {
        let (root, problems) = read(text);
        assert!(plain(&root).as_object().is_some_and(|o| o.values().all(|v| v == value)), "{text}");
        assert!(problems.len() == 1 && problems[0].severity == Severity::Warning, "{text}: {problems:?}");
    }
    reads("path = /etc/jitsi/x", r#"{"path":"/etc/jitsi/x"}"#);
    reads(r#"pw = "a#b$c""#, r#"{"pw":"a#b$c"}"#);
    reads(r#"a = "\u00e4\ud83d\ude00\n\"\\""#, "{\"a\":\"ä😀\\n\\\"\\\\\"}");
    reads("a = \"\"\"x\n\"y\"\"\"\"", "{\"a\":\"x\\n\\\"y\\\"\"}");
    reads("a = null", r#"{"a":null}"#);
    reads("a = \"null\"", r#"{"a":"null"}"#);
    reads("a =\n  5", r#"{"a":"5"}"#);
    reads("authentication\n{ x = 1 }", r#"{"authentication":{"x":"1"}}"#);
    reads(
        "a = [  ]\nb = [1, 2,]\nc = [\n1\n2\n]\nd = {a = 1,}",
        r#"{"a":[],"b":["1","2"],"c":["1","2"],"d":{"a":"1"}}"#,
    );
    reads("a = [[us-east, us-west]\n[ \"eu\" ],[x]]", r#"{"a":[["us-east","us-west"],["eu"],["x"]]}"#);
}

#[test]
fn keys_are_paths() {
    reads("a.b.c = 1", r#"{"a":{"b":{"c":"1"}}}"#);
    reads("\"a.b\".c = 1\na b.c = 2", r#"{"a.b":{"c":"1"},"a b":{"c":"2"}}"#);
    reads("d { 50 = 500, 100 = 1000 }", r#"{"d":{"50":"500","100":"1000"}}"#);
    reads("\"\" = 1", r#"{"":"1"}"#);
    reads("include = 1\ninclude_x = 2", r#"{"include":"1","include_x":"2"}"#);
}

#[test]
fn later_definitions_win_and_objects_merge() {
    reads("a = 1\na = 2", r#"{"a":"2"}"#);
    reads("a.b = 1\na { c = 2 }\na.b = 3", r#"{"a":{"b":"3","c":"2"}}"#);
    reads("a { b = 1 }\na = 5\na { c = 2 }", r#"{"a":{"c":"2"}}"#);
    reads("a = 1\na = null", r#"{"a":null}"#);
}

#[test]
fn substitutions_look_everywhere_and_then_in_the_environment() {
    reads("a = ${b.c}\nb { c = 1 }", r#"{"a":"1","b":{"c":"1"}}"#);
    reads("r = east\nr = ${?JITSI_REGION}", r#"{"r":"us-west"}"#);
    reads("r = east\nr = ${?NOPE}\ns = ${?NOPE}", r#"{"r":"east"}"#);
    reads("a = x\nb = auth.${a}\"@\" ${a}-1", r#"{"a":"x","b":"auth.x@ x-1"}"#);
    reads("b = pre${?NOPE}post", r#"{"b":"prepost"}"#);
    reads("a { x = 1, y = ${a.x} }", r#"{"a":{"x":"1","y":"1"}}"#);
    reads("a { x = 1 }\nb = ${a} { y = 2 }", r#"{"a":{"x":"1"},"b":{"x":"1","y":"2"}}"#);
    reads("a { x = ${b} }\nb = 1\nb = 2", r#"{"a":{"x":"2"},"b":"2"}"#);
    reads("v = ${d} { h = 1 }\nd { p = 2 }\nv.q = 3", r#"{"v":{"p":"2","h":"1","q":"3"},"d":{"p":"2"}}"#);
}

#[test]
fn a_self_reference_is_the_value_before() {
    reads("p = a\np = ${p}\":more\"", r#"{"p":"a:more"}"#);
    reads("p = ${?p}x\np = ${?p}y", r#"{"p":"xy"}"#);
    reads("l = [1]\nl = ${l} [2]\nl += 3", r#"{"l":["1","2","3"]}"#);
    reads("l += 1\nl += 2", r#"{"l":["1","2"]}"#);
    reads("o { a = 1 }\no = ${o} { b = 2 }\no { c = ${o.a} }", r#"{"o":{"a":"1","b":"2","c":"1"}}"#);
    reads("x.l = [ \"r.\"${e} ]\nx.l += t.${e}\ne = z", r#"{"x":{"l":["r.z","t.z"]},"e":"z"}"#);
}

#[test]
fn mistakes_name_their_place_and_the_remedy() {
    fails("a = 1\nbrewery-jid = jvb@x", "2:18", "double quotes");
    fails("a = http://x y\nb = a:b", "1:9", "double quotes");
    fails("b = a:b", "1:6", "double quotes");
    fails("p = \"a\\$b\"", "1:7", "backslash");
    fails("p = \"abc", "1:5", "not closed");
    fails("p = \"a\"b\"", "1:9", "not closed");
    fails("p = \"\"\"abc", "1:5", "never closed");
    fails("a {\n b {\n c = 1\n}", "1:3", "never closed");
    fails("a = 1 }", "1:7", "nothing opened");
    fails("a = [1, 2", "1:5", "never closed");
    fails("a = [1,,2]", "1:8", "comma");
    fails("a = 1,,b = 2", "1:7", "comma");
    fails("a = 0,7", "1:7", "no value");
    fails("a = \nb = 2", "1:1", "the value is missing, the next line");
    fails("a =", "1:1", "missing");
    fails("a", "1:1", "no value");
    fails("[1]", "1:1", "list");
    fails("{a=1} b=2", "1:7", "closing brace");
    fails("a = $b", "1:5", "substitution");
    fails("a = ${b", "1:5", "not closed");
    fails("a..b = 1", "1:1", "empty");
    fails("a = x\u{0}y", "1:6", "U+0000");
    fails("a = 1\nx = ${NOPE}", "2:5", "${NOPE}");
    fails("a = 1\nb { y = 1 }\na = ${b.x}", "3:5", "${b.x}");
    fails("a = ${a}", "1:5", "refers to itself");
    fails("a = ${b}\nb = ${a}", "2:5", "refers to itself");
    fails("a = 1\na += 2", "2:6", "list");
    fails("a = [1] x", "1:5", "passed over");
    fails("a = [1] {}", "1:5", "beside each other");
    fails("o {x=1}\na = ${o} x", "2:5", "beside each other");
}

#[test]
fn a_problem_names_the_key_it_is_in() {
    let (_, problems) = read("a {\n  b.c = jvb@x\n}");
    assert_eq!(problems[0].key.as_deref(), Some("a.b.c"));
    assert_eq!(problems[0].severity, Severity::Error);
}

/// A folder of its own for each test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("jicofo-hocon-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        // What an earlier process with our id has left.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).expect("the temporary folder can be written");
        Folder(folder)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).expect("the temporary folder can be written");
        path
    }

    fn load(&self, path: &Path) -> (Node, Vec<Problem>, Vec<FileRead>) {
        let mut loader = Loader::default();
        loader.load(path);
        let files = loader.finish_files();
        let (root, problems) = resolve(files.1, &[]);
        (root, problems, files.0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Loader {
    fn finish_files(self) -> (Vec<FileRead>, Loader) {
        (self.files_so_far(), self)
    }
}

#[test]
fn includes_stand_where_they_are_written() {
    let folder = Folder::new();
    folder.write("b.conf", "x = b\ny = ${z}\nz = b\no { k = ${z} }");
    folder.write("c.json", r#"{"from": "json"}"#);
    folder.write("d.properties", "p.q = 5\n");
    let main = folder.write(
        "a.conf",
        "x = a\ninclude \"b.conf\"\nz = a\nin { include \"b\" }\ninclude \"c\"\ninclude \"d\"\ninclude \"no.conf\"",
    );
    let (root, problems, files) = folder.load(&main);
    assert_eq!(problems, []);
    let expected = r#"{"x":"b","y":"a","z":"a","o":{"k":"a"},"in":{"x":"b","y":"b","z":"b","o":{"k":"b"}},
        "from":"json","p":{"q":"5"}}"#;
    assert_eq!(plain(&root), serde_json::from_str::<serde_json::Value>(expected).expect("the test's JSON"));
    let missing: Vec<_> = files.iter().filter(|f| !f.found && f.path.ends_with("no.conf")).collect();
    assert_eq!(missing.len(), 1);
}

#[test]
fn a_required_include_must_be_there() {
    let folder = Folder::new();
    let main = folder.write("a.conf", "x = 1\ninclude required(\"nope.conf\")\n");
    let (_, problems, _) = folder.load(&main);
    assert!(problems[0].to_string().contains("a.conf:2:1: the required include"), "{}", problems[0]);
    let there = folder.write("e.conf", "y = 1");
    let main = folder.write("c.conf", format!("include required(file({:?}))", there.display().to_string()));
    assert_eq!(folder.load(&main).1, []);
}

#[test]
fn a_broken_include_is_reported_with_its_own_place_and_the_rest_is_read() {
    let folder = Folder::new();
    folder.write("b.conf", "x = 1\ny = a@b");
    let main = folder.write("a.conf", "include \"b.conf\"\nz = c@d");
    let (_, problems, _) = folder.load(&main);
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(said[0].contains("b.conf:2:6: y:") && said[1].contains("a.conf:2:6: z:"), "{said:?}");
}

#[test]
fn files_that_include_each_other_are_an_error() {
    let folder = Folder::new();
    folder.write("b.conf", "include \"a.conf\"");
    let main = folder.write("a.conf", "include \"b.conf\"\nx = 1");
    let (_, problems, _) = folder.load(&main);
    assert!(
        problems[0].to_string().contains("b.conf:1:1: ")
            && problems[0].text.contains("includes this file, which includes it again here"),
        "{problems:?}"
    );
}

#[test]
fn garbage_gives_a_clear_error_in_bounded_time() {
    let folder = Folder::new();
    let nested = |open: &str| format!("a = {}", open.repeat(100_000));
    let doubling: String = (1..60).map(|n| format!("a{n} = ${{a{}}}${{a{}}}\n", n - 1, n - 1)).collect();
    let chain: String = (1..5000).map(|n| format!("a{n} = ${{a{}}}\n", n - 1)).collect();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("latin-1", b"# M\xfcller\npassword = \"M\xfcller\"".to_vec(), "2:14: password: this character is not UTF-8"),
        ("null bytes", vec![0; 5000], "1:1: a control character (U+0000)"),
        ("ten megabytes", vec![b'a'; 10 << 20], "more than 4 MiB"),
        ("ten megabytes of braces", vec![b'{'; 10 << 20], "more than 4 MiB"),
        ("nested braces", nested("{a=").into_bytes(), "1:153: a.a.a.a.a.a.a.a…: more than 100 levels"),
        ("nested brackets", nested("[").into_bytes(), "more than 100 levels"),
        ("a long path", format!("{}a = 1", "a.".repeat(50_000)).into_bytes(), "1:1: a path of more than 100"),
        ("an unclosed quote", b"a = \"x\nb = 2".to_vec(), "1:5: a: this quote is not closed"),
        ("an unclosed brace", b"a {\nb = 2".to_vec(), "1:3: a: this brace is never closed"),
        ("doubling", format!("a0 = {}\n{doubling}", "x".repeat(1000)).into_bytes(), "without end"),
        ("a chain", format!("a0 = x\n{chain}").into_bytes(), "in a chain"),
        ("random bytes", (0..100_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect(), ":1:"),
    ];
    for (name, bytes, says) in cases {
        let main = folder.write("a.conf", bytes);
        let begin = Instant::now();
        let (_, problems, _) = folder.load(&main);
        assert!(begin.elapsed() < Duration::from_secs(60), "{name} took {:?}", begin.elapsed());
        let first = problems.first().map(ToString::to_string).unwrap_or_default();
        let short: String = first.chars().take(300).collect();
        assert!(first.contains(says), "{name}: {short}");
    }
}

#[test]
fn latin_1_in_a_comment_is_only_a_warning() {
    let folder = Folder::new();
    let main = folder.write("a.conf", b"# M\xfcller\nx = 1");
    let (root, problems, _) = folder.load(&main);
    assert_eq!(problems[0].severity, Severity::Warning);
    assert!(root.get("x").is_some());
}

#[test]
fn directories_and_missing_files_are_errors() {
    let folder = Folder::new();
    let (_, problems, _) = folder.load(&folder.0);
    assert!(problems[0].text.contains("it is a directory"), "{problems:?}");
    let (_, problems, _) = folder.load(&folder.0.join("nope.conf"));
    assert!(problems[0].text.contains("there is no such file"), "{problems:?}");
    let (_, problems, _) = folder.load(Path::new("/dev/zero"));
    assert!(problems[0].text.contains("not a regular file"), "{problems:?}");
}

/// Every cut and every changed byte of a file with all constructs: no panic, whatever comes of it.
#[test]
fn no_mutation_panics() {
    let text = "a { b = ${?x}\"y\\u0041\" z, l = [1, {c=2}] }\ninclude \"n.conf\"\nl += \"\"\"q\"\"\" # c\n\"k.k\" : ${a} {d=${a.b}}\n";
    for at in 0..text.len() {
        read(&text[..at]);
        read(&text[at..]);
        for byte in "\"{}[]$=:,\\\n#+ ä".chars() {
            let mut changed = text.to_owned();
            changed.replace_range(at..=at, &byte.to_string());
            read(&changed);
        }
    }
}

/// What the library that the reference uses (Typesafe config 1.4.2) makes of 142 constructs and mistakes, recorded from it.
/// Where it refuses and we do not, the record has our value.
#[test]
fn the_library_of_the_reference_reads_the_same() {
    let record: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../../../tests/data/config/typesafe-1.4.2.json"))
            .expect("the record is JSON");
    for case in &record {
        let text = case["text"].as_str().expect("a case has a text");
        let (ours, problems) = read(text);
        let refused = problems.iter().any(|problem| problem.severity == Severity::Error);
        match case.get("value").or_else(|| case.get("ours")) {
            Some(value) => assert_eq!((refused, &plain(&ours)), (false, value), "{text:?}: {problems:?}"),
            None => assert!(refused, "{text:?} is read as {}", plain(&ours)),
        }
    }
}
