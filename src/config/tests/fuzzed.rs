//! Broken and hostile files, for each reader: no panic, no hang, an answer. Fixed seeds, so that a failure comes again; the
//! targets below `fuzz/` go on from here.

use super::*;

/// Parts of the syntaxes, which mutations put in.
const PIECES: &[&[u8]] = &[
    b"\"",
    b"'",
    b"\"\"\"",
    b"'''",
    b"{",
    b"}",
    b"[",
    b"]",
    b"[[",
    b"$",
    b"${",
    b"${?",
    b"=",
    b"+=",
    b":",
    b",",
    b"\\",
    b"\\u",
    b"\n",
    b"\r\n",
    b"#",
    b"//",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"include ",
    b"null",
    b"%",
    b"-",
    b"1e999",
    b"\t",
    b"a.b.",
];

struct Dice(u64);

impl Dice {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below.max(1)
    }

    fn mutate(&mut self, text: &[u8]) -> Vec<u8> {
        let mut bytes = text.to_vec();
        for _ in 0..=self.below(6) {
            let at = self.below(bytes.len());
            match self.below(4) {
                0 => bytes.truncate(at),
                1 => {
                    let piece = PIECES[self.below(PIECES.len())];
                    bytes.splice(at..at, piece.iter().copied());
                }
                2 => drop(bytes.drain(at..(at + self.below(20)).min(bytes.len()))),
                _ => {
                    let end = (at + self.below(80)).min(bytes.len());
                    let part = bytes[at..end].to_vec();
                    let to = self.below(bytes.len());
                    bytes.splice(to..to, part);
                }
            }
        }
        bytes
    }
}

fn rounds() -> usize {
    std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(30)
}

fn read_all(start: &Start) {
    let loaded = start.load();
    let _ = (report::effective(&loaded), report::json(&loaded), report::summary(&loaded));
    let _ = super::super::migrate::file(&loaded, super::super::migrate::Format::Toml);
}

#[test]
fn no_mutation_of_a_file_panics() {
    for (name, text) in [
        ("jicofo.conf", include_bytes!("../../../tests/data/config/large.conf").as_slice()),
        ("jicofo.toml", include_bytes!("../../../tests/data/config/large.toml").as_slice()),
        (
            "jicofo.json",
            br#"{"jicofo":{"xmpp":{"client":{"port":5222,"domain":"a.x"}},"codec":{"video":{"vp8":{"pt":1e2}}}}}"#,
        ),
        ("jicofo.properties", b"jicofo.xmpp.client.port = 5222\njicofo.octo.enabled\\\n  : true\n# \\u00e9\n"),
    ] {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        let mut start = Start::new();
        let file = start.folder().join(name);
        start.sources.config_file = Some(file.clone());
        for _ in 0..rounds() {
            fs::write(&file, dice.mutate(text)).expect("the temporary folder can be written");
            read_all(&start);
        }
    }
}

#[test]
fn no_mutation_of_what_is_around_the_file_panics() {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let legacy = b"org.jitsi.jicofo.auth.URL=XMPP:a.x\norg.jitsi.jicofo.HEALTH_CHECK_INTERVAL=1\\u0030\n";
    let words = b"-Dconfig.file='/a b' -Djicofo.octo.enabled=true -Xmx1g -cp x \"y\\\" z\"";
    let shell = b"JICOFO_HOST=\"${A}b\" # c\nexport JICOFO_OPTS='--secret=x y'\nJAVA_SYS_PROPS=$JAVA_SYS_PROPS\\ x\n";
    for _ in 0..rounds() {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let mut start = Start::minimal("").legacy(&text(dice.mutate(legacy)));
        start.sources.system.read(java::split_words(&text(dice.mutate(words))));
        let name = text(dice.mutate(b"JICOFO__XMPP__VISITORS__V0__PORT"));
        start = start.env(&name, &text(dice.mutate(b"[[1,2],{\"a\":null}]")));
        let read = environment_file::parse(&text(dice.mutate(shell)), &start.sources.environment);
        let _ = read.map(|read| environment_file::arguments(&read.variables));
        read_all(&start);
    }
}

/// The inputs that the readers of others fall over.
#[test]
fn hostile_files_are_refused_with_their_place_at_once() {
    let deep = |open: &str| format!("a = {}", open.repeat(100_000));
    let large = |line: &str| line.repeat((5 << 20) / line.len());
    for (name, bytes) in [
        ("deep.conf", deep("[").into_bytes()),
        ("deep.conf", deep("{ a = ").into_bytes()),
        ("deep.toml", deep("[").into_bytes()),
        ("deep.toml", deep("{ a = ").into_bytes()),
        ("deep.toml", format!("{}a = 1", "a.".repeat(100_000)).into_bytes()),
        ("deep.json", format!("{{\"a\": {}", "[".repeat(100_000)).into_bytes()),
        ("large.conf", large("a = 1\n").into_bytes()),
        ("large.toml", large("# 123456789\n").into_bytes()),
        ("open.conf", b"jicofo {".to_vec()),
        ("open.conf", b"a = \"x\n".to_vec()),
        ("open.toml", b"a = \"x\n".to_vec()),
        ("open.toml", b"[jicofo".to_vec()),
        ("nul.conf", b"a = x\0y".to_vec()),
        ("nul.toml", b"a = \"x\0y\"".to_vec()),
        ("latin.conf", b"a = \"\xe9\"".to_vec()),
        ("latin.toml", b"# \xe9".to_vec()),
        ("twice.toml", b"a = 1\na = 2\n".to_vec()),
        ("cycle.conf", b"include \"cycle.conf\"".to_vec()),
        ("cycle.conf", b"jicofo.a = ${jicofo.b}\njicofo.b = ${jicofo.a}".to_vec()),
    ] {
        let mut start = Start::new();
        let file = start.folder().join(name);
        fs::write(&file, &bytes).expect("the temporary folder can be written");
        start.sources.config_file = Some(file.clone());
        let begin = std::time::Instant::now();
        let said = start.refused();
        assert!(begin.elapsed() < seconds(60), "{name} took {:?}", begin.elapsed());
        assert!(said.contains(name), "{name}: {said}");
    }
}

/// Nothing takes longer than in proportion to the size of a file.
#[test]
fn large_files_of_one_thing_are_read_or_refused_at_once() {
    let many = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
    for (name, text) in [
        ("keys.conf", many(40_000, &|i| format!("jicofo.bridge.k{i} = {i}\n"))),
        ("nodes.conf", many(20_000, &|i| format!("jicofo.xmpp.visitors.v{i}.port = 1\n"))),
        ("nodes.toml", many(20_000, &|i| format!("[jicofo.xmpp.visitors.v{i}]\nport = 1\n"))),
        ("regions.conf", format!("jicofo.bridge.region-groups = [[{}]]", many(60_000, &|i| format!("r{i},")))),
        ("groups.conf", many(40_000, &|i| format!("jicofo.bridge.region-groups += [a{i}, b]\n"))),
        ("again.conf", many(40_000, &|_| "jicofo.x = ${?jicofo.x}a\n".to_owned())),
        ("domains.conf", format!("jicofo.xmpp.trusted-domains = [{}]", many(40_000, &|i| format!("d{i}.x,")))),
        ("includes.conf", many(5_000, &|i| format!("include \"no{i}.conf\"\n"))),
    ] {
        let mut start = Start::new();
        start.sources.config_file = Some(start.folder().join(name));
        let start = start.beside(name, &text);
        let begin = std::time::Instant::now();
        read_all(&start);
        // Of a debug build on a busy machine; what grows with the square takes minutes.
        assert!(begin.elapsed() < seconds(60), "{name} took {:?}", begin.elapsed());
    }
}

#[test]
fn files_of_other_systems_are_read() {
    for (name, text) in [
        ("bom.conf", "\u{feff}jicofo.octo.enabled = true\r\n\tjicofo.sctp.enabled = false\r\n"),
        ("bom.toml", "\u{feff}jicofo.octo.enabled = true\r\n\tjicofo.sctp.enabled = false\r\n"),
    ] {
        let mut start = Start::new();
        start.sources.config_file = Some(start.folder().join(name));
        let loaded = start.beside(name, text).load();
        assert!(loaded.config.octo.enabled && !loaded.config.sctp.enabled, "{name}: {}", told(&loaded));
    }
}
