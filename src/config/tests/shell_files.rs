//! The shell fragment of old init scripts: what `sh` makes of it, or an error.

use std::process::{Command, Stdio};

use super::*;
use crate::cli;
use crate::config::environment_file::{Read, arguments, parse};

fn environment() -> BTreeMap<String, String> {
    BTreeMap::from([("OUTER".to_owned(), "o u".to_owned()), ("EMPTY".to_owned(), String::new())])
}

fn read(text: &str) -> Result<Read, String> {
    parse(text, &environment()).map_err(|wrong| wrong.join("\n"))
}

/// Files that are nothing but assignments, in all their forms.
const FILES: &[&str] = &[
    "A=b\nB='c d' # e\nC=\"e f\"\n",
    "A=b;B=c ; C=d\nexport D=e\nexport A\nreadonly F=1\n",
    "A=one\\\ntwo\nB=\"one\\\ntwo\"\nC=d \\\n  D=e\n",
    "A=$OUTER\nB=${OUTER}x\nC=\"$OUTER$NOWHERE\"\nD='$OUTER'\nE=\\$OUTER\nF=a$\nG=a$%b\n",
    "A=${NOWHERE:-x y}\nB=${EMPTY:-x}\nC=${EMPTY-x}\nD=${NOWHERE-x}\nE=${OUTER:-x}\n",
    "A=${NOWHERE:-\"x  y\"}\nB=\"${NOWHERE:-x 'y' z}\"\nC=${NOWHERE:-${EMPTY:-$OUTER}}\nD=\"a${NOWHERE:-\\}}b\"\n",
    "A=${OUTER:+set}\nB=${EMPTY:+set}\nC=${EMPTY+set}\nD=${NOWHERE+set}\nE=${OUTER:?must}\n",
    "A=${B:=c}\nC=$B\n: ${D:=e} \"${F:=g h}\"\n: ${D:=other}\n",
    "A=a#b\nB=#\nC= #c\nD=a\\ b\\\"c\\'d\nE=\"a\\nb\\\\c\\\"d\\$e'f\"\nF='a\"b\\c'\nG=a'b'\"c\"d\n",
    "A=1\nA=2\nunset OUTER A\nB=${OUTER:-gone}${A-gone}\nA=3\n",
    "# only a comment\n\n   \nA=x=y\n_B1=c\n",
    "A=\"one\ntwo\"\nB='three\n  four'\n",
    "umask 022; ulimit -c 0\nset -a\nA=b\ntrue\n",
    "A=a}b\nB=\"a}b\\}c\"\nC=[x]\nD=\"a;b&c|d<e>(f)\"\nE={a,b}\nF=*\n",
];

/// What `sh` says after each of the files: every variable of ours, with its value.
#[test]
fn files_mean_what_a_shell_makes_of_them() {
    for text in FILES {
        let mut read = read(text).unwrap_or_else(|wrong| panic!("{text}: {wrong}"));
        let mut expected = BTreeMap::new();
        for name in ["A", "B", "C", "D", "E", "F", "G", "_B1", "OUTER", "EMPTY"] {
            let script = format!("{text}\n[ -n \"${{{name}+set}}\" ] && printf 'x%s' \"${name}\"\n");
            let mut shell = Command::new("sh");
            shell.args(["-c", &script]).env_clear().envs(environment()).stdin(Stdio::null());
            let said = String::from_utf8(shell.output().expect("there is a shell").stdout).expect("it is text");
            expected.extend(said.strip_prefix('x').map(|value| (name.to_owned(), value.to_owned())));
        }
        for (name, value) in environment().into_iter().filter(|(name, _)| !read.removed.contains(name)) {
            read.variables.entry(name).or_insert(value);
        }
        assert_eq!(read.variables, expected, "{text}");
    }
}

#[test]
fn what_a_shell_would_run_is_refused_with_its_place() {
    for (text, says) in [
        ("A=b\nB=`hostname -f`\n", "2:3: what a command prints is not known"),
        ("A=\"x$(hostname)\"\n", "1:5: what a command prints"),
        ("A=$((1 + 2))\n", "1:3: what a command prints"),
        ("A=b c\n", "1:5: this is no assignment"),
        ("if [ -f x ]; then\nA=b\nfi\n", "1:1: this is no assignment"),
        (". /etc/default/other\n", "1:1: this is no assignment"),
        ("A = b\n", "1:1: this is no assignment"),
        ("A=b && B=c\n", "1:5: this is no assignment"),
        ("A=b&B=c\n", "1:4: & is a sign of the shell"),
        ("A=b\n ;\n", "2:2: this is no assignment"),
        ("A=x\nB=\"open\n\n", "2:4: the quote before this is not closed"),
        ("A='open\n", "1:3: this quote is not closed"),
        ("A=${OUTER\n", "1:3: of ${…} only"),
        ("A=${OUTER", "1:3: this brace is not closed"),
        ("A=${OUTER:-x\n", "1:12: the brace before this is not closed"),
        ("A=${OUTER%x}\n", "1:3: of ${…} only"),
        ("A=${#OUTER}\n", "1:3: of ${…} only"),
        ("A=${NOWHERE:?x}\n", "1:3: NOWHERE is not set"),
        ("A=$1\n", "1:3: this stands for something of the running shell"),
        ("A=$'x'\n", "1:3: $ before a quote"),
        ("A=~/x\n", "1:3: ~ is a folder"),
        ("A=x\0y\n", "1:4: a NUL byte"),
        ("export A=b -p\n", "1:12: this is no assignment"),
        ("unset -f A\n", "1:7: unset is followed by names"),
        ("true && A=b\n", "1:6: & is a sign of the shell"),
    ] {
        let wrong = read(text).expect_err(text);
        assert!(wrong.starts_with(says), "{text}: {wrong}");
    }
    let deep = format!("A={}", "${B:-".repeat(100_000));
    assert!(read(&deep).expect_err("it is too deep").contains("too deep"));
    let doubled = format!("A=0123456789\n{}", "A=$A$A\n".repeat(64));
    assert!(read(&doubled).expect_err("it has no end").contains("without end"));
}

#[test]
fn files_of_other_systems_are_read_and_what_has_no_effect_is_told() {
    let read = read("\u{feff}A=b\r\nB=\"c\"\r\nulimit -n 65536\r\nC=one\\\r\ntwo").expect("it is read");
    let expected = [("A", "b"), ("B", "c"), ("C", "onetwo")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(read.variables, BTreeMap::from(expected));
    assert_eq!(read.warnings, ["3:1: `ulimit` is the shell's and has no effect here; it is passed over"]);
}

/// As the init script writes it: `$JICOFO_OPTS`, without quotes around it.
#[test]
fn its_options_are_arguments_as_the_shell_splits_them() {
    let read =
        read("JICOFO_HOST=h\nJICOFO_PORT=\nJICOFO_OPTS=\"--user_password=it's  --subdomain=f\"\n").expect("it is read");
    assert_eq!(arguments(&read.variables), ["--host=h", "--user_password=it's", "--subdomain=f"]);
}

/// By spec/10 §10.1 the init script has a server where the file names none, and it is not the domain's.
#[test]
fn without_a_host_the_server_is_on_this_machine() {
    let arguments = |text: &str| arguments(&read(text).expect("it is read").variables);
    for text in
        ["JICOFO_HOSTNAME=m.x\n", "JICOFO_HOSTNAME=m.x\nJICOFO_HOST=\n", "JICOFO_HOSTNAME=m.x\nJICOFO_HOST=\"\"\n"]
    {
        assert_eq!(arguments(text), ["--domain=m.x", "--host=localhost"], "{text}");
    }
    assert_eq!(arguments("JICOFO_AUTH_DOMAIN=a.x\n"), ["--user_domain=a.x", "--host=localhost"]);
    assert_eq!(arguments("JICOFO_HOST=h\nJICOFO_HOSTNAME=m.x\n"), ["--host=h", "--domain=m.x"]);
    // A modern file has no flags to be made.
    assert_eq!(arguments("JAVA_SYS_PROPS=-Dx=y\nJICOFO_AUTH_PASSWORD=p\n"), [""; 0]);
    let mut start = Start::new().beside("config", "JICOFO_HOSTNAME=m.x\nJICOFO_SECRET=s\nJICOFO_AUTH_PASSWORD=p\n");
    let file = format!("--environment-file={}", start.folder().join("config").display());
    let given = cli::with_environment_file(vec![file.clone()], BTreeMap::new()).expect("it is read");
    let config = load(&cli::parse(given.arguments, given.environment).sources).config;
    assert_eq!(config.xmpp.client.account.hostname, "localhost");
    assert_eq!(config.component.as_ref().map(|component| component.hostname.as_str()), Some("localhost"));
    assert_eq!(config.xmpp.client.account.domain, "auth.m.x");
    // Of two files, as of one.
    let start = start.beside("more", "JICOFO_HOST=elsewhere\n");
    let more = file.replace("/config", "/more");
    let given = cli::with_environment_file(vec![more, file], BTreeMap::new()).expect("it is read");
    assert_eq!(given.arguments, ["--host=elsewhere", "--domain=m.x"]);
    drop(start);
}

#[test]
fn every_mistake_of_a_file_is_told_once() {
    for (text, places) in [
        ("A=`b`\nB=c d\nC=$(e) $(f)\nD=fine\nE=~/x\n", &["1:3", "2:5", "3:3", "5:3"][..]),
        ("A=\"one\ntwo`x`\nthree\"\nB=c d\n", &["2:4"]),
        ("A=\"open\nB=c d\n", &["1:4", "2:5"]),
        // What the wrong line was to set is not missed.
        ("A=`b`\nB=${A:?}\n", &["1:3"]),
        ("B=${A:?}\nC=${D:?}\n", &["1:3"]),
    ] {
        let wrong = parse(text, &environment()).expect_err(text);
        let found: Vec<String> =
            wrong.iter().map(|line| line.split(": ").next().unwrap_or_default().to_owned()).collect();
        assert_eq!(found, places, "{text}: {wrong:?}");
    }
    assert_eq!(parse(&"x\n".repeat(100_000), &environment()).expect_err("all of it").len(), hocon::limits::PROBLEMS);
}

#[test]
fn an_error_names_the_file_and_what_is_unset_is_gone() {
    let mut start =
        Start::new().beside("good", "unset JICOFO_SECRET\numask 0\n").beside("bad", "JICOFO_HOST=a\nB=`c`\n");
    let folder = start.folder();
    let given = |name: &str| {
        let environment = BTreeMap::from([("JICOFO_SECRET".to_owned(), "x".to_owned())]);
        let file = format!("--environment-file={}", folder.join(name).display());
        cli::with_environment_file(vec![file, "--domain=d".to_owned()], environment)
    };
    let good = given("good").expect("it is read");
    assert_eq!((good.arguments.as_slice(), good.environment.len()), (["--domain=d".to_owned()].as_slice(), 0));
    assert!(good.warnings[0].ends_with("good:2:1: `umask` is the shell's and has no effect here; it is passed over"));
    let wrong = given("bad").err().expect("it is refused");
    assert!(wrong.len() == 1 && wrong[0].contains("bad:2:3: what a command prints"), "{wrong:?}");
}
