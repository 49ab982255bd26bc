//! The binary as people start it: exit codes and what is said (spec/80 §7).

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Runs the binary with `file` as configuration; exit code, standard output, standard error.
fn jicofo(arguments: &[&str], file: Option<&str>) -> (Option<i32>, String, String) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let mut command = Command::new(env!("CARGO_BIN_EXE_jicofo"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    let mut written: Option<PathBuf> = None;
    if let Some(text) = file {
        let name = format!("jicofo-start-{}-{}.conf", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        let mut file = std::fs::File::create(&path).expect("the temporary folder can be written");
        file.write_all(text.as_bytes()).expect("the temporary folder can be written");
        command.arg("--config").arg(&path);
        written = Some(path);
    }
    let output = command.output().expect("the binary was built for this test");
    if let Some(path) = written {
        let _ = std::fs::remove_file(path);
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A folder that is empty, whatever an earlier process with our id has left there.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("jicofo-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).expect("the temporary folder can be written");
    folder
}

#[test]
fn a_wrong_configuration_ends_with_78_and_says_where() {
    let (code, _, said) = jicofo(&[], Some("jicofo.xmpp.client.port = x\njicofo.xmpp.client.password = geheim"));
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains(".conf:1:27: jicofo.xmpp.client.port: expected a whole number"), "{said}");
    assert!(said.lines().all(|line| line.starts_with("Jicofo 2")), "{said}");
    assert!(!said.contains("geheim"), "{said}");
}

#[test]
fn check_config_tells_by_its_exit_code() {
    let good = "jicofo.xmpp.client { domain = auth.x, password = geheim, xmpp-domain = x }";
    let (code, said, _) = jicofo(&["check-config"], Some(good));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("jicofo.xmpp.client.password = ******") && !said.contains("geheim"), "{said}");
    let (code, said, _) = jicofo(&["check-config", "--format", "json"], Some("jicofo {"));
    let said: serde_json::Value = serde_json::from_str(&said).expect("it is JSON");
    assert_eq!((code, &said["valid"]), (Some(78), &serde_json::Value::Bool(false)));
    assert_eq!(jicofo(&["check-config", "--config", "/nowhere.conf"], None).0, Some(78));
}

/// Programs that read it must not have to guess what came instead.
#[test]
fn what_is_wrong_is_json_whatever_it_is() {
    let good = "jicofo.xmpp.client { domain = auth.x, password = geheim, xmpp-domain = x }";
    for (arguments, file, valid, complete, says) in [
        (vec![], "jicofo {", false, false, "this brace is never closed"),
        (vec!["--foo", "--port"], good, true, true, "the argument --foo means nothing here"),
        (vec!["--environment-file", "/nowhere"], good, false, true, "--environment-file cannot be read"),
        (vec!["-Djava.util.logging.config.file=/nowhere"], good, true, true, "cannot be read (No such file"),
    ] {
        let all = [vec!["check-config", "--format", "json"], arguments].concat();
        let (code, said, _) = jicofo(&all, Some(file));
        let said: serde_json::Value = serde_json::from_str(&said).unwrap_or_else(|wrong| panic!("{wrong}: {said}"));
        assert_eq!(code, Some(if valid { 0 } else { 78 }), "{all:?}: {said}");
        assert_eq!((&said["valid"], &said["complete"]), (&valid.into(), &complete.into()), "{all:?}: {said}");
        assert_eq!(said["values"].as_object().is_some_and(|values| !values.is_empty()), complete, "{all:?}");
        let problems = said["problems"].as_array().expect("it is a list");
        let told = problems.iter().any(|problem| problem["text"].as_str().is_some_and(|text| text.contains(says)));
        assert!(told, "{says}: {problems:?}");
    }
}

#[test]
fn check_config_sees_what_is_wrong_with_the_levels_of_the_log() {
    let path = std::env::temp_dir().join(format!("jicofo-logging-{}.properties", std::process::id()));
    std::fs::write(&path, "handlers = x.Y\n.level=INFO\norg.jitsi.jicofo.level = LOUD\n").expect("it can be written");
    let good = "jicofo.xmpp.client { domain = auth.x, password = geheim, xmpp-domain = x }";
    let argument = format!("-Djava.util.logging.config.file={}", path.display());
    let (code, said, _) = jicofo(&["check-config", &argument], Some(good));
    let _ = std::fs::remove_file(&path);
    assert_eq!(code, Some(0), "{said}");
    let path = path.display();
    for says in [
        format!("{path}:1:12: handlers: the handler x.Y does not exist here"),
        format!("{path}:3:26: org.jitsi.jicofo.level: \"LOUD\" is no level, it is passed over; write one of OFF"),
        format!("# Logging file {path}"),
    ] {
        assert!(said.contains(&says), "{says}: {said}");
    }
}

/// A variable that is there and cannot be read is not one that is missing.
#[test]
fn variables_that_are_not_utf_8_refuse_where_they_are_read() {
    use std::os::unix::ffi::OsStringExt;
    for (name, code) in [("JICOFO__XMPP__CLIENT__PORT", 78), ("JAVA_SYS_PROPS", 78), ("REGION", 78), ("OTHER", 0)] {
        let path = std::env::temp_dir().join(format!("jicofo-bytes-{}-{name}.conf", std::process::id()));
        let text = "jicofo { xmpp.client { domain = a.x, password = p }, local-region = ${?REGION} }";
        std::fs::write(&path, text).expect("it can be written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_jicofo"));
        command.args(["check-config", "--config"]).arg(&path).env_clear();
        let output = command.env(name, std::ffi::OsString::from_vec(vec![b'5', 0xff])).output().expect("it was built");
        let _ = std::fs::remove_file(&path);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(code), "{name}: {said}");
        assert_eq!(said.contains(name) && said.contains("is not UTF-8"), code == 78, "{name}: {said}");
    }
}

#[test]
fn help_version_and_the_page_of_keys_end_with_0() {
    for (argument, says) in [("--help", "Usage: jicofo"), ("--version", "jicofo "), ("config-docs", "# Configuration")]
    {
        let (code, said, _) = jicofo(&[argument], None);
        assert!(code == Some(0) && said.starts_with(says), "{argument}: {said}");
    }
}

/// Whatever a person names as a file is read or refused, and at once.
///
/// Covers spec/70: 22.
#[test]
fn what_is_no_readable_file_ends_with_78_and_says_what_it_is() {
    let folder = folder("no-file");
    let at = |name: &str| folder.join(name).display().to_string();
    let made = Command::new("mkfifo").arg(at("pipe.conf")).status();
    assert!(made.is_ok_and(|status| status.success()), "a pipe can be made");
    std::fs::write(at("zero.conf"), [0u8; 4096]).expect("the temporary folder can be written");
    std::fs::write(at("utf16.conf"), b"\xff\xfej\0i\0c\0o\0f\0o\0 \0{\0}\0")
        .expect("the temporary folder can be written");
    for (file, says) in [
        (at("missing.conf"), "missing.conf: there is no such file"),
        (folder.display().to_string(), "it is a directory"),
        (at("pipe.conf"), "pipe.conf: cannot be read (it is not a regular file)"),
        ("/dev/zero".to_owned(), "/dev/zero: cannot be read (it is not a regular file)"),
        (at("zero.conf"), "zero.conf:1:"),
        (at("utf16.conf"), "utf16.conf:1:"),
    ] {
        for arguments in [vec!["check-config", "--config", &file], vec!["--config", &file]] {
            let (code, out, said) = jicofo(&arguments, None);
            assert_eq!(code, Some(78), "{file}: {out}{said}");
            assert!(format!("{out}{said}").contains(says), "{says}: {out}{said}");
        }
    }
    // What stands beside the configuration hinders no start, but is told.
    for property in ["-Djava.util.logging.config.file", "-Dnet.java.sip.communicator.SC_HOME_DIR_NAME=x"] {
        let argument =
            if property.contains('=') { property.to_owned() } else { format!("{property}={}", at("pipe.conf")) };
        let (code, out, _) =
            jicofo(&["check-config", &argument], Some("jicofo.xmpp.client { domain = a.x, password = p }"));
        assert_eq!(code, Some(0), "{property}: {out}");
    }
    let (code, _, said) = jicofo(&["check-config", "--environment-file", &at("pipe.conf")], None);
    assert!(code == Some(78) && said.contains("it is not a regular file"), "{said}");
    let _ = std::fs::remove_dir_all(folder);
}

/// Covers spec/80: 36.
#[test]
fn what_is_for_java_is_read_or_passed_over() {
    use std::os::unix::ffi::OsStringExt;
    let path = std::env::temp_dir().join(format!("jicofo sys props {}.conf", std::process::id()));
    std::fs::write(&path, "jicofo.xmpp.client { domain = a.x, password = p, port = 5333 }\n")
        .expect("it can be written");
    let words = [
        format!("-Dconfig.file='{}' -Xmx1g -Dfoo=bar", path.display()),
        format!("\"-Dconfig.file={}\" -XX:+UseG1GC -javaagent:x -cp a:b -Djava.net.x=y", path.display()),
        format!("-Dconfig.file={} -Djicofo.x=\"a b\" 'open", path.display().to_string().replace(' ', "\\ ")),
    ];
    for words in words {
        let output = Command::new(env!("CARGO_BIN_EXE_jicofo"))
            .arg("check-config")
            .env_clear()
            .env("JAVA_SYS_PROPS", &words)
            // Neither name nor value is text.
            .env(std::ffi::OsString::from_vec(vec![b'X', 0xff]), std::ffi::OsString::from_vec(vec![0xfe]))
            .env("JICOFO_OPTS", std::ffi::OsString::from_vec(vec![b'a', 0xfe]))
            .arg(std::ffi::OsString::from_vec(vec![b'-', b'-', 0xfe]))
            .output()
            .expect("the binary was built for this test");
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{words}: {said}");
        assert!(said.contains("jicofo.xmpp.client.port = 5333") && !said.contains("[error]"), "{words}: {said}");
    }
    let _ = std::fs::remove_file(path);
}

/// With a configuration that would start.
#[test]
fn a_mistyped_command_starts_no_server() {
    let good = "jicofo.xmpp.client { domain = a.x, password = p, hostname = \"127.0.0.1\", port = 1 }";
    for words in [["chek-config"].as_slice(), &["--confg", "/x"], &["migrate", "--format", "xml"]] {
        let (code, out, said) = jicofo(words, Some(good));
        assert_eq!((code, out.as_str()), (Some(78), ""), "{words:?}: {said}");
        assert!(said.contains("did you mean") || said.contains("write one of them"), "{said}");
    }
    let (code, said, _) = jicofo(&["check-config", "--format=json", "--foo"], Some(good));
    let said: serde_json::Value = serde_json::from_str(&said).expect("it is JSON");
    let problems = said["problems"].as_array().expect("a list");
    let is_told = |problem: &serde_json::Value| problem["text"].as_str().is_some_and(|text| text.contains("--foo"));
    assert!(code == Some(0) && problems.iter().any(is_told), "{said}");
}

#[test]
fn no_configuration_at_all_ends_with_78() {
    if !Path::new("/etc/jitsi/jicofo/jicofo.conf").exists() {
        assert_eq!(jicofo(&["--foo"], None).0, Some(78));
    }
}

/// It ends at once, and says why, rather than to stay up without being of use, or to serve somebody else's domain.
///
/// Covers spec/90: 63.
#[test]
fn what_cannot_serve_ends_at_once_and_says_why() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = taken.local_addr().expect("it is bound").port();
    let good = "jicofo.xmpp.client { domain = a.x, password = p, hostname = \"127.0.0.1\", port = 1 }";
    let port_in_use = format!("{good}\njicofo.rest.port = {port}");
    for (arguments, file, code, says) in [
        ([].as_slice(), Some(""), 78, "jicofo.xmpp.client.domain: is required"),
        (&[], Some("jicofo.xmpp.client.domain = a.x"), 78, "jicofo.xmpp.client.password: is required"),
        (&["--config", "/nowhere/jicofo.conf"], None, 78, "/nowhere/jicofo.conf: there is no such file"),
        (&[], Some(&*port_in_use), 1, "cannot listen on 127.0.0.1:"),
    ] {
        let (ended, _, said) = jicofo(arguments, file);
        assert_eq!(ended, Some(code), "{file:?}: {said}");
        assert!(said.contains(says), "{says}: {said}");
    }
}

/// The whole way: an old init script's files become one new file, which starts.
#[test]
fn migrate_writes_a_new_file_that_only_its_owner_can_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder("migrate");
    let (old, new) = (folder.join("config"), folder.join("jicofo.toml"));
    let script = "JICOFO_HOST=localhost\nJICOFO_HOSTNAME=m.x\nJICOFO_SECRET=geheim\nJICOFO_AUTH_PASSWORD=sesam\n";
    std::fs::write(&old, script).expect("the temporary folder can be written");
    let arguments = ["migrate", "--format=toml", "--environment-file", old.to_str().expect("a plain path"), "--output"];
    let arguments = [arguments.as_slice(), &[new.to_str().expect("a plain path")]].concat();
    let (code, out, said) = jicofo(&arguments, None);
    assert_eq!((code, out.as_str()), (Some(0), ""), "{said}");
    assert!(!said.contains("geheim") && !said.contains("sesam"), "{said}");
    let mode = new.metadata().expect("it was written").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // It is somebody's only copy by now.
    assert_eq!(jicofo(&arguments, None).0, Some(1));
    let (code, said, _) = jicofo(&["check-config", "--config", new.to_str().expect("a plain path")], None);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("jicofo.xmpp.component.secret = ******") && said.contains("\"auth.m.x\""), "{said}");
    let _ = std::fs::remove_dir_all(folder);
}

/// For machines: from the first line to the last, as the configuration asks, and nothing else.
#[test]
fn lines_are_json_where_the_configuration_says_so() {
    let text = "jicofo.logging { format = json, redact-addresses = true }\njicofo.rest.port = \"203.0.113.7\"\njicofo.xmpp.client { domain = a.x, password = geheim, port = x }\njicofo.no-such = 1";
    let (code, _, said) = jicofo(&["--foo"], Some(text));
    assert_eq!(code, Some(78), "{said}");
    let lines: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let told = |level: &str, part: &str| {
        let is_it = |line: &&serde_json::Value| line["level"] == level && line.to_string().contains(part);
        assert_eq!(lines.iter().filter(is_it).count(), 1, "{level} {part}: {said}");
    };
    told("SEVERE", "jicofo.xmpp.client.port: expected a whole number");
    told("WARNING", "jicofo.no-such: there is no such key");
    told("WARNING", "the argument --foo means nothing here");
    told("SEVERE", "jicofo.rest.port: expected a whole number");
    assert!(!said.contains("geheim") && !said.contains("203.0.113.7"), "{said}");
}

/// In a few lines: what was read from where, what is on, what is off and why.
#[test]
fn a_start_says_what_it_read_and_what_is_on() {
    let text = "jicofo { octo.enabled = true, bridge.brewery-jid = \"b@i.x\", bridge.health-checks.enabled = no }\n\
                jicofo.xmpp.client { domain = a.x, password = geheim, xmpp-domain = x }\ninclude \"no-such-file.conf\"";
    let (code, said, _) = jicofo(&["check-config", "--host=h.x"], Some(text));
    assert_eq!(code, Some(0), "{said}");
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("# ")).collect();
    assert!(lines.len() <= 8, "{lines:#?}");
    for part in [
        "# Configuration file ",
        "no-such-file.conf is not there (at ",
        "From flags and environment: jicofo.xmpp.client.hostname (--host)",
        "Client focus@a.x via h.x:5222, bridges in b@i.x",
        "On: several bridges a conference",
        "authentication (jicofo.authentication.enabled is off by default)",
        "recording (jicofo.jibri.brewery-jid is not set)",
    ] {
        assert!(lines.iter().any(|line| line.contains(part)), "{part}: {lines:#?}");
    }
    let off = lines.iter().find(|line| line.starts_with("# Off: ")).expect("something is off");
    assert!(off.contains("bridge health checks (jicofo.bridge.health-checks.enabled, /"), "{off}");
}

/// Covers spec/80: 32.
#[test]
fn a_syntax_error_is_told_with_its_place_and_nothing_else() {
    let (code, _, said) = jicofo(&[], Some("jicofo {\n  xmpp {"));
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains(".conf:2:") && !said.contains("panicked"), "{said}");
}

/// As images run it: nothing can be written but a log to stderr. The shell's limit ends a process that writes a byte to any
/// file, wherever that is and whoever runs it; a file without a byte would be found in the folders that programs use.
///
/// Covers spec/80: 39.
#[test]
fn it_starts_and_runs_where_nothing_can_be_written() {
    use std::io::{BufRead, BufReader};
    let folder = folder("read-only");
    let places = ["current", "home", "tmp"].map(|name| folder.join(name));
    for place in &places {
        std::fs::create_dir(place).expect("the temporary folder can be written");
    }
    let config = folder.join("jicofo.conf");
    let text = "jicofo.rest.enabled = false\njicofo.xmpp.client { domain = a.x, password = p, hostname = \"127.0.0.1\", port = 1 }";
    std::fs::write(&config, text).expect("the temporary folder can be written");
    let limited = |script: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -f 0 && {script}"), env!("CARGO_BIN_EXE_jicofo")]).arg(&config);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir(&places[0]);
        command.env("HOME", &places[1]).env("TMPDIR", &places[2]).stderr(Stdio::piped());
        command
    };
    // The limit is one: who writes is ended.
    let writes = limited("exec dd if=/dev/zero of=\"$1.written\" bs=1 count=1").output().expect("there is a shell");
    assert!(!writes.status.success(), "{writes:?}");
    let _ = std::fs::remove_file(folder.join("jicofo.conf.written"));

    let mut child = limited("exec \"$0\" --config \"$1\"").spawn().expect("there is a shell");
    let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines().map_while(Result::ok);
    let mut seen = Vec::new();
    // It runs: it has tried to connect, and will again.
    let runs = lines.by_ref().any(|line| {
        seen.push(line);
        seen.last().is_some_and(|line| line.contains("PROBLEM connect: "))
    });
    assert!(runs, "{:?}: {seen:#?}", child.wait());
    // It has said what it read and what is on before.
    for part in ["Configuration file ", "Client focus@a.x via 127.0.0.1:1, no bridges", " On: ", " Off: "] {
        assert_eq!(seen.iter().filter(|line| line.contains(part)).count(), 1, "{part}: {seen:#?}");
    }
    let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(asked.is_ok_and(|status| status.success()));
    seen.extend(lines);
    assert_eq!(child.wait().expect("it was started").code(), Some(143), "{seen:#?}");
    for place in &places {
        let left: Vec<_> = std::fs::read_dir(place).expect("it is there").collect();
        assert!(left.is_empty(), "{}: {left:?}", place.display());
    }
    let _ = std::fs::remove_dir_all(folder);
}
