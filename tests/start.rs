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
