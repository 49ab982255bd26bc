//! The start script as init scripts and images call it (spec/80 §11): what reaches the binary, and exit codes.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock};

/// Where packages put the configuration.
const FOLDER: &str = "=/etc/jitsi/jicofo/";

/// No process is started while a script is written: it would hold the file open for writing until it becomes what it is
/// to run, and meanwhile the script could not be run.
static STARTS: RwLock<()> = RwLock::new(());

/// A folder with the script and a binary that only says what it was given. The script looks for files in `etc` there, where
/// packages have `/etc/jitsi/jicofo`: what is in that folder of this machine decides nothing.
struct Installed(PathBuf);

impl Installed {
    fn new() -> Installed {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("jicofo sh-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        // What an earlier process with our id has left.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).expect("the temporary folder can be written");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("jicofo.sh");
        let script = fs::read_to_string(script).expect("the script is there");
        assert_eq!(script.matches(FOLDER).count(), 2, "the two files of packages");
        let etc = format!("='{}/etc'/", folder.display());
        let installed = Installed(folder);
        // A file and not a symbolic link, which the script would follow to the source tree.
        installed.write("jicofo.sh", &script.replace(FOLDER, &etc));
        let says = "#!/bin/sh\n[ -z \"${EXIT:-}\" ] || { echo \"pid $$\"; exit \"$EXIT\"; }\nfor a in \"$@\"; do echo \"arg $a\"; done\n\
                    echo \"secret ${JICOFO_SECRET:-}\"\necho \"password ${JICOFO_AUTH_PASSWORD:-}\"\n\
                    echo \"props ${JAVA_SYS_PROPS:-}\"\nenv | grep _FILE= || :\n";
        installed.write("jicofo", says);
        let runnable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(installed.0.join("jicofo"), runnable).expect("the file is ours");
        installed
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the temporary folder can be written");
        let _nobody_starts = STARTS.write().unwrap_or_else(PoisonError::into_inner);
        fs::write(path, text).expect("the temporary folder can be written");
    }

    fn command(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
        let mut command = Command::new("sh");
        command.arg(self.0.join("jicofo.sh")).args(arguments).env_clear().env("PATH", "/usr/bin:/bin");
        command.envs(environment.iter().copied()).current_dir("/");
        command
    }

    fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
        Installed::outcome(self.command(arguments, environment))
    }

    fn outcome(mut command: Command) -> (Option<i32>, String) {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = start(&mut command).wait_with_output().expect("it was started");
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code(), said)
    }
}

fn start(command: &mut Command) -> Child {
    let _nobody_writes = STARTS.read().unwrap_or_else(PoisonError::into_inner);
    command.spawn().expect("there is a shell")
}

impl Drop for Installed {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn secrets_leave_the_arguments() {
    let flags = ["--host=localhost", "--secret=s3 cr$t", "-user_password=p'w", "--domain=meet.example.com"];
    let (code, said) = Installed::new().run(&flags, &[("JICOFO_SECRET", "other")]);
    assert_eq!(code, Some(0), "{said}");
    let expected = "arg --host=localhost\narg --secret=\narg --user_password=\narg --domain=meet.example.com\n\
                    secret s3 cr$t\npassword p'w\n";
    assert!(said.starts_with(expected), "{said}");
}

/// As they do in a start without the script: a file for the same secret would be a second answer to one question.
#[test]
fn a_secret_that_is_given_as_a_flag_counts_before_variables_that_name_a_file() {
    let files = [
        ("JICOFO_SECRET_FILE", "/s"),
        ("JICOFO_AUTH_PASSWORD_FILE", "/p"),
        ("JICOFO__XMPP__COMPONENT__SECRET_FILE", "/s"),
        ("JICOFO__XMPP__CLIENT__PASSWORD_FILE", "/p"),
    ];
    let installed = Installed::new();
    let left = |flags: &[&str]| installed.run(flags, &files).1.matches("_FILE=").count();
    assert_eq!(left(&["--domain=d"]), 4);
    assert_eq!(left(&["--domain=d", "--secret=s"]), 2);
    assert_eq!(left(&["--domain=d", "--secret=s", "--user_password=p"]), 0);
    assert_eq!(left(&["--domain=d", "--secret=", "--user_password="]), 4);
}

#[test]
fn a_blank_flag_leaves_the_variable() {
    let (_, said) = Installed::new().run(&["--secret=", "--domain=d"], &[("JICOFO_SECRET", "x")]);
    assert!(said.contains("secret x\n"), "{said}");
}

#[test]
fn without_file_and_flags_it_exits_with_2() {
    let installed = Installed::new();
    let (code, said) = installed.run(&["--foo"], &[]);
    assert_eq!(code, Some(2), "{said}");
    let missing = installed.0.join("etc/jicofo.conf");
    assert!(said.contains(&format!("{} does not exist", missing.display())), "{said}");
    assert_eq!(installed.run(&["--domain=d"], &[]).0, Some(0));
    assert_eq!(installed.run(&["check-config", "--config", "/x y"], &[]).1.matches("arg ").count(), 3);
}

/// As containers without files do.
#[test]
fn keys_in_the_environment_need_no_file() {
    let installed = Installed::new();
    let (code, said) = installed.run(&[], &[("JICOFO__XMPP__CLIENT__DOMAIN", "auth.x"), ("JICOFO_AUTH_PASSWORD", "p")]);
    assert_eq!((code, said.contains("props \n")), (Some(0), true), "{said}");
    for (name, value) in [("JICOFO_AUTH_PASSWORD", "p"), ("JICOFO_", "x"), ("XJICOFO__A", "x"), ("X", "a JICOFO__A=b")]
    {
        assert_eq!(installed.run(&[], &[(name, value)]).0, Some(2), "{name}");
    }
}

/// The init script hands its words on as arguments, as the original's does; read here too they would count twice.
#[test]
fn jicofo_opts_is_the_init_scripts() {
    let installed = Installed::new();
    let (code, said) = installed.run(&["--host=h"], &[("JICOFO_OPTS", "--domain=d")]);
    assert!(code == Some(0) && said.starts_with("arg --host=h\nsecret \n"), "{said}");
    assert_eq!(installed.run(&[], &[("JICOFO_OPTS", "--domain=d")]).0, Some(2));
}

#[test]
fn the_file_of_packages_is_read_else_the_fresh_one() {
    let installed = Installed::new();
    for file in ["jicofo.toml", "jicofo.conf"] {
        installed.write(&format!("etc/{file}"), "");
        let (code, said) = installed.run(&["--foo"], &[]);
        let passed = format!("props -Dconfig.file={}/etc/{file} ", installed.0.display());
        assert!(code == Some(0) && said.contains(&passed), "{file}: {said}");
    }
}

#[test]
fn a_file_in_java_sys_props_is_passed_on() {
    let installed = Installed::new();
    installed.write("lib/logging.properties", "");
    let (code, said) = installed.run(&[], &[("JAVA_SYS_PROPS", "-Dconfig.file=/a/b.conf")]);
    assert_eq!(code, Some(0), "{said}");
    let logging = format!("props '-Djava.util.logging.config.file={}/lib/logging.properties'", installed.0.display());
    assert!(said.contains(&logging) && said.contains("-Dconfig.file=/a/b.conf"), "{said}");
}

/// The program takes the script's place: signals reach it, and its exit code is the script's.
#[test]
fn the_program_takes_the_place_of_the_script() {
    let installed = Installed::new();
    let mut command = installed.command(&["--domain=d"], &[("EXIT", "78")]);
    let child = start(command.stdout(Stdio::piped()));
    let id = child.id();
    let output = child.wait_with_output().expect("it was started");
    assert_eq!(output.status.code(), Some(78));
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("pid {id}\n"));
}

/// Whoever starts it somewhere, root above all, runs and reads nothing that somebody else has put there.
#[test]
fn nothing_is_taken_from_the_current_folder() {
    let (installed, elsewhere, path) = (Installed::new(), Installed::new(), Installed::new());
    for (folder, says) in [(&elsewhere, "wrong"), (&path, "of the path")] {
        folder.write("jicofo", &format!("#!/bin/sh\necho {says}\n"));
        for tool in ["readlink", "dirname", "env", "grep"] {
            folder.write(tool, "#!/bin/sh\necho wrong\n");
            let runnable = fs::Permissions::from_mode(0o755);
            fs::set_permissions(folder.0.join(tool), runnable).expect("the file is ours");
        }
        for name in ["jicofo.conf", "jicofo.toml", "config", "lib/logging.properties", "etc/jicofo.conf"] {
            folder.write(name, "");
        }
    }
    let started = |search: &str| {
        let mut command = installed.command(&["--domain=d"], &[("PATH", search)]);
        command.current_dir(&elsewhere.0);
        Installed::outcome(command)
    };
    let (code, said) = started(".::/usr/bin:/bin");
    assert!(code == Some(0) && said.contains("props \n"), "{said}");
    fs::remove_file(installed.0.join("jicofo")).expect("it is there");
    let (code, said) = started(".::/usr/bin:/bin");
    assert!(code == Some(1) && said.contains("there is no jicofo beside this script"), "{said}");
    let (code, said) = started(&format!(".::/usr/bin:/bin:{}", path.0.display()));
    assert_eq!((code, said.as_str()), (Some(0), "of the path\n"));
}

/// Covers spec/80: 37.
#[test]
fn help_exits_with_1() {
    let (code, said) = Installed::new().run(&["--help"], &[]);
    assert!(code == Some(1) && said.starts_with("Usage"), "{said}");
}
