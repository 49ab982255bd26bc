//! The same text read by another implementation must mean the same: texts of installations, and generated ones.
//!
//! hocon-rs is asked only about that in which it is known to be right. Left out of the generated texts:
//! - a key that has a value before its optional substitution of a name that is not defined: it loses that value (spec/70 §2);
//! - numbers that it writes in another way than they were written (`1.50`, `1e3`, `007`): ours are text until a key is read;
//! - a second `+=` of one key, and a comma at the end of a text without braces, which it refuses;
//! - text behind a substitution of the key's own null, which it does not find;
//! - keys of which only a part is in quotes, which it refuses;
//! - includes, for which each has rules of its own about places, and mistakes: the record of the original's library has those.
//!
//! The seed has none of what ours reads differently: where a section is there twice, and the second one gives a key a text and
//! then an object, the key's object of the first section is gone here, and merged there (some ten of 60 000 such texts).

use std::collections::BTreeSet;

use super::tests::{plain, read};

fn simple(value: &hocon_rs::Value) -> serde_json::Value {
    match value {
        hocon_rs::Value::Object(fields) => {
            serde_json::Value::Object(fields.iter().map(|(key, value)| (key.clone(), simple(value))).collect())
        }
        hocon_rs::Value::Array(elements) => elements.iter().map(simple).collect(),
        hocon_rs::Value::Boolean(value) => value.to_string().into(),
        hocon_rs::Value::Number(value) => value.to_string().into(),
        hocon_rs::Value::String(text) => text.as_str().into(),
        hocon_rs::Value::Null => serde_json::Value::Null,
    }
}

#[track_caller]
fn agree(text: &str) {
    let other: hocon_rs::Value = hocon_rs::Config::parse_str(text, None).unwrap_or_else(|e| panic!("{e}:\n{text}"));
    let (ours, problems) = read(text);
    assert_eq!(problems, [], "{text}");
    assert_eq!(plain(&ours), simple(&other), "{text}");
}

#[test]
fn texts_of_installations_are_read_the_same() {
    let secrets = include_str!("../../../tests/data/config/secrets.conf");
    let large = include_str!("../../../tests/data/config/large.conf").replace("include \"secrets.conf\"", secrets);
    // Its substitutions over a value have something to find, which another implementation needs.
    let large = format!("JITSI_SHARD = s9\nJITSI_REGION = us-west\n{large}");
    for text in [
        "a = 1\nb : x y\nc { d = true, e = null }",
        "a.b.c = 5\na { b { d = [1, 2] } }",
        "a = [1, 2]\na = ${a} [3]\na += 4",
        "x = foo\ny = ${x}bar\nz = \"pre \"${x}\" post\"",
        "base { p = 5222, h = localhost }\nv1 = ${base} { h = other }",
        "a = ${?NOPE_NOT_THERE}",
        "p = a\np = ${p}\":more\"",
        "k = \"\"\"raw \\ text\"\"\"",
        "l = [\n[a, b]\n[c]\n]",
        "\"q.r\" = 1 // comment\ns = 10 seconds # comment",
        include_str!("../../../tests/data/config/debian.conf"),
        include_str!("../../../tests/data/config/docker.conf"),
        secrets,
        &large,
    ] {
        agree(text);
    }
}

/// 600 texts from a fixed seed. The share of each construct is checked, so that none is forgotten by chance.
#[test]
fn generated_texts_are_read_the_same() {
    let mut dice = Dice(0x5851_f42d_4c95_7f2d);
    let mut all = String::new();
    for _ in 0..600 {
        let text = Generator::new(&mut dice).text();
        agree(&text);
        all.push_str(&text);
    }
    for construct in [
        "${", "${?", "+=", "\\\"", "\\u00e4", "\"\"\"", "} {", "} [", "# ", "// ", " : ", "\"k.", "null", "[]", "{}",
        "-",
    ] {
        let count = all.matches(construct).count();
        assert!(count >= 20, "{construct} is there {count} times");
    }
}

/// xorshift64: the same texts everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % end
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }
}

#[derive(Clone, Copy)]
enum Shape {
    Scalar,
    List,
    Object,
}

/// Writes one text, and remembers what it has defined at the root: substitutions name that.
struct Generator<'d> {
    dice: &'d mut Dice,
    known: Vec<(String, Shape)>,
    /// Lists that have had their `+=`.
    appended: BTreeSet<String>,
}

impl<'d> Generator<'d> {
    fn new(dice: &'d mut Dice) -> Generator<'d> {
        Generator { dice, known: Vec::new(), appended: BTreeSet::new() }
    }

    fn text(mut self) -> String {
        let mut text = String::new();
        for number in 0..4 + self.dice.below(12) {
            let statement = self.statement(number);
            text.push_str(&statement);
            let end = self.dice.one(&["\n", "\n", "\n\n", ",\n", " # c, ${d} {\n", " // \"e\n", "\r\n"]);
            text.push_str(end);
        }
        text.push_str("end = 0\n");
        if self.dice.below(5) == 0 { format!("{{\n{text}}}\n") } else { text }
    }

    /// A key at the root that is new, or one more definition of one that is there.
    fn statement(&mut self, number: usize) -> String {
        let assign = self.assign();
        if let Some((path, shape)) = self.any().filter(|_| self.dice.below(3) == 0) {
            return match shape {
                Shape::Scalar if self.dice.below(2) == 0 => format!("{path}{assign}${{{path}}}{}", self.tail()),
                Shape::Scalar => format!("{path}{assign}{}", self.text_or_number()),
                Shape::List if self.dice.below(2) == 0 && self.appended.insert(path.clone()) => {
                    format!("{path} += {}", self.scalar())
                }
                Shape::List => format!("{path}{assign}${{{path}}} {}", self.list(2)),
                Shape::Object => format!("{path}{}", self.section(2)),
            };
        }
        let key = self.key(number);
        let (value, shape) = match self.dice.below(8) {
            0 | 1 => (self.text_or_number(), Shape::Scalar),
            2 => (self.list(3), Shape::List),
            3 => {
                self.known.push((key.clone(), Shape::Object));
                return format!("{key}{}", self.section(3));
            }
            4 => {
                let name = self.dice.one(&["unset", "jicofo.not.there", "NOT_THERE"]);
                return format!("{key}{assign}${{?{name}}}");
            }
            _ => self.substitution(),
        };
        self.known.push((key.clone(), shape));
        format!("{key}{assign}{value}")
    }

    fn substitution(&mut self) -> (String, Shape) {
        let Some((path, shape)) = self.any() else { return (self.text_or_number(), Shape::Scalar) };
        let mark = self.dice.one(&["", "", "?"]);
        let alone = format!("${{{mark}{path}}}");
        let value = match (shape, self.dice.below(3)) {
            (_, 0) => alone,
            (Shape::Scalar, 1) => format!("{alone}{}", self.tail()),
            (Shape::Scalar, _) => format!("{} {alone}", self.dice.one(&["pre", "\"p \\\" q\"", "a b"])),
            (Shape::List, 1) => format!("{alone} {}", self.list(2)),
            (Shape::List, _) => format!("{} {alone}", self.list(2)),
            (Shape::Object, 1) => format!("{alone} {}", self.object(2)),
            (Shape::Object, _) => format!("{} {alone}", self.object(2)),
        };
        (value, shape)
    }

    /// What may stand behind a substitution of text.
    fn tail(&mut self) -> String {
        self.dice.one(&["bar", " bar", "\" post\"", "-x", " \"q \\\" r\" s", "/a"]).to_owned()
    }

    fn any(&mut self) -> Option<(String, Shape)> {
        let at = if self.known.is_empty() { return None } else { self.dice.below(self.known.len()) };
        self.known.get(at).cloned()
    }

    /// Numbered: each new key has a name, and a path, of its own.
    fn key(&mut self, number: usize) -> String {
        match self.dice.below(5) {
            0 => format!("\"k.{number} x\""),
            1 => format!("p{number}.q-r"),
            2 => format!("p{number}.\"s.t\".u_v"),
            3 => format!("\"k{number}\""),
            _ => format!("k{number}"),
        }
    }

    fn assign(&mut self) -> &'static str {
        self.dice.one(&[" = ", "=", " : ", ": ", " =\n  "])
    }

    fn section(&mut self, depth: usize) -> String {
        let between = self.dice.one(&[" ", "", " = ", " : "]);
        format!("{between}{}", self.object(depth))
    }

    fn object(&mut self, depth: usize) -> String {
        let count = self.dice.below(4);
        let mut fields = Vec::new();
        for number in 0..count {
            let number = if self.dice.below(3) == 0 { 0 } else { number };
            let key = match self.dice.one(&["a", "b", "c.d", "\"e.f", "g-h"]) {
                quoted if quoted.starts_with('"') => format!("{quoted}{number}\""),
                plain => format!("{plain}{number}"),
            };
            let value = self.value(depth);
            fields.push(format!("{key}{}{value}", self.assign()));
        }
        self.enclosed('{', '}', fields)
    }

    fn list(&mut self, depth: usize) -> String {
        let count = self.dice.below(4);
        let elements = (0..count).map(|_| self.value(depth)).collect();
        self.enclosed('[', ']', elements)
    }

    fn enclosed(&mut self, open: char, close: char, parts: Vec<String>) -> String {
        if parts.is_empty() {
            return format!("{open}{close}");
        }
        let separator = self.dice.one(&[", ", ",", "\n", " ,\n", " # c\n", ",\n\n"]);
        let end = self.dice.one(&["", " ", "\n", ",", ",\n"]);
        format!("{open} {}{end}{close}", parts.join(separator))
    }

    fn value(&mut self, depth: usize) -> String {
        match self.dice.below(if depth == 0 { 4 } else { 6 }) {
            4 => self.list(depth - 1),
            5 => self.object(depth - 1),
            _ => self.scalar(),
        }
    }

    fn text_or_number(&mut self) -> String {
        loop {
            let scalar = self.scalar();
            if scalar != "null" {
                return scalar;
            }
        }
    }

    fn scalar(&mut self) -> String {
        match self.dice.below(6) {
            0 => format!("{}{}", self.dice.one(&["", "-"]), self.dice.below(1_000_000_000_000)),
            1 => format!("{}.{}", self.dice.below(1000), 1 + self.dice.below(9)),
            2 => self.dice.one(&["true", "false", "null", "yes", "off"]).to_owned(),
            3 => self
                .dice
                .one(&["x", "10 seconds", "us-east", "a b  c", "auth.example.com", "/etc/x", "70%", "_"])
                .to_owned(),
            4 => self.dice.one(&["\"\"\"raw \\ \"text\" ${x}\"\"\"", "\"\"\"a\n  b\"\"\"", "\"\"\"\"\"\""]).to_owned(),
            _ => {
                const PARTS: [&str; 14] = [
                    "a",
                    " ",
                    "\\\"",
                    "\\\\",
                    "\\n",
                    "\\t",
                    "\\u00e4",
                    "\\ud83d\\ude00",
                    "ß",
                    "#",
                    "${x}",
                    "//",
                    "{[,:=",
                    "\\/",
                ];
                let parts: String = (0..self.dice.below(6)).map(|_| self.dice.one(&PARTS)).collect();
                format!("\"{parts}\"")
            }
        }
    }
}
