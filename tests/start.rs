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

#[test]
fn help_version_and_the_page_of_keys_end_with_0() {
    for (argument, says) in [("--help", "Usage: jicofo"), ("--version", "jicofo "), ("config-docs", "# Configuration")]
    {
        let (code, said, _) = jicofo(&[argument], None);
        assert!(code == Some(0) && said.starts_with(says), "{argument}: {said}");
    }
}

#[test]
fn no_configuration_at_all_ends_with_78() {
    if !Path::new("/etc/jitsi/jicofo/jicofo.conf").exists() {
        assert_eq!(jicofo(&["--foo"], None).0, Some(78));
    }
}

/// The whole way: an old init script's files become one new file, which starts.
#[test]
fn migrate_writes_a_new_file_that_only_its_owner_can_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = std::env::temp_dir().join(format!("jicofo-migrate-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
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

/// Covers spec/80: 32.
#[test]
fn a_syntax_error_is_told_with_its_place_and_nothing_else() {
    let (code, _, said) = jicofo(&[], Some("jicofo {\n  xmpp {"));
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains(".conf:2:") && !said.contains("panicked"), "{said}");
}
