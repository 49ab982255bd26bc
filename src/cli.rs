//! What people write on the command line: the flags of old start scripts (spec/10 §10.1), our options, and subcommands.
//!
//! The old flags have spellings that no argument parser knows (`name=value` without dashes, `_` and `-` alike, no value
//! after a blank), and an unknown argument is never an error; so they are read here, from the table that also declares
//! which keys they set.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::sources::{FLAGS, Flag, FlagValue, SECRET_VARIABLES};
use crate::config::{DEFAULT_FILE, Sources, java};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Run,
    /// Print every problem and the effective configuration; exit 0 or 78.
    CheckConfig {
        json: bool,
    },
    /// Print docs/CONFIGURATION.md.
    ConfigDocs,
    Help,
    Version,
}

pub struct Invocation {
    pub command: Command,
    pub sources: Sources,
    /// Arguments that mean nothing, each with the reason.
    pub warnings: Vec<String>,
}

/// `arguments` without the program's name.
pub fn parse(arguments: impl IntoIterator<Item = String>, environment: BTreeMap<String, String>) -> Invocation {
    let mut sources = Sources { default_file: Some(PathBuf::from(DEFAULT_FILE)), ..Sources::default() };
    if let Some(words) = environment.get("JAVA_SYS_PROPS") {
        sources.system.read(java::split_words(words));
    }
    sources.environment = environment;
    let mut invocation = Invocation { command: Command::Run, sources, warnings: Vec::new() };
    let mut json = false;
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "check-config" => invocation.command = Command::CheckConfig { json: false },
            "config-docs" => invocation.command = Command::ConfigDocs,
            "--help" | "-help" | "-h" => invocation.command = Command::Help,
            "--version" | "-version" | "-V" => invocation.command = Command::Version,
            "--config" => match arguments.next() {
                Some(file) => invocation.sources.config_file = Some(file.into()),
                None => invocation.warnings.push("--config must be followed by a file; it is passed over".into()),
            },
            "--format" => json = arguments.next().as_deref() == Some("json"),
            "--format=json" => json = true,
            word if word.starts_with("-D") => invocation.sources.system.read([argument]),
            _ => invocation.value(&argument),
        }
        // The first of these decides; what comes after it is of no interest.
        if matches!(invocation.command, Command::Help | Command::Version) {
            return invocation;
        }
    }
    if let Command::CheckConfig { json: format } = &mut invocation.command {
        *format = json;
    }
    invocation
}

impl Invocation {
    /// `name=value`, with up to two dashes before it.
    fn value(&mut self, argument: &str) {
        let word = argument.strip_prefix("--").or_else(|| argument.strip_prefix('-')).unwrap_or(argument);
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let name = name.replace('-', "_");
        if name == "config" && !value.is_empty() {
            self.sources.config_file = Some(value.into());
            return;
        }
        let Some(declaration) = FLAGS.iter().find(|declaration| declaration.names.contains(&name.as_str())) else {
            // Only the name: the value may be a secret.
            self.warnings.push(format!("the argument {name:?} means nothing here; it is passed over"));
            return;
        };
        if value.trim().is_empty() && !self.stands_in(declaration.flag) {
            self.warnings.push(format!("--{name} has no value (write --{name}=value); it is passed over"));
        }
        self.sources.flags.push(FlagValue { flag: declaration.flag, value: value.to_owned() });
    }

    /// A blank flag for a secret that is in the environment is how secrets stay out of `ps`.
    fn stands_in(&self, flag: Flag) -> bool {
        let variable = SECRET_VARIABLES.iter().find(|(of, _)| *of == flag);
        variable.is_some_and(|(_, name)| self.sources.environment.contains_key(*name))
    }
}

pub fn usage() -> String {
    let mut usage = "\
Usage: jicofo [check-config | config-docs] [--config FILE] [flags]

The conference focus of Jitsi Meet. Without flags everything is in the configuration file: that of --config, else of
-Dconfig.file=FILE in the environment variable JAVA_SYS_PROPS, else /etc/jitsi/jicofo/jicofo.conf.

  check-config   print every problem and the effective configuration, exit 0 or 78 (--format json: for programs)
  config-docs    print the page of all keys
  --config FILE  the configuration file
  --help, --version

Classic flags, as --name=value:
"
    .to_owned();
    for declaration in FLAGS {
        usage.push_str(&format!("  --{:<15} {}\n", declaration.names[0], declaration.about));
    }
    usage.push_str(
        "
Environment: JAVA_SYS_PROPS (-Dname=value words), JICOFO_SECRET, JICOFO_AUTH_PASSWORD, JICOFO_LOG (levels: info, debug,
jicofo::focus=trace).

Exit: 143 and 130 after SIGTERM and SIGINT, 1 if it fails at the start, 78 if the configuration is wrong.
",
    );
    usage
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(words: &str) -> Invocation {
        parse(words.split_whitespace().map(str::to_owned), BTreeMap::new())
    }

    #[test]
    fn classic_flags_are_read_in_all_spellings() {
        for words in
            ["--user_domain=a.b", "-user_domain=a.b", "user_domain=a.b", "--user-domain=a.b", "--userdomain=a.b"]
        {
            let invocation = parse_words(words);
            assert_eq!(invocation.sources.flag(Flag::UserDomain), Some("a.b"), "{words}");
            assert!(invocation.warnings.is_empty(), "{words}: {:?}", invocation.warnings);
        }
    }

    #[test]
    fn the_last_of_a_repeated_flag_counts() {
        assert_eq!(parse_words("--host=a --host=b").sources.flag(Flag::Host), Some("b"));
    }

    #[test]
    fn unknown_and_blank_arguments_are_warned_about_without_their_values() {
        let invocation = parse_words("extra --foo --passwort=geheim --host= check-config");
        assert_eq!(invocation.command, Command::CheckConfig { json: false });
        assert_eq!(invocation.warnings.len(), 4, "{:?}", invocation.warnings);
        assert!(!format!("{:?}", invocation.warnings).contains("geheim"));
        assert_eq!(invocation.sources.flag(Flag::Host), None);
    }

    #[test]
    fn a_blank_secret_flag_with_its_variable_set_is_no_mistake() {
        let environment = BTreeMap::from([("JICOFO_SECRET".to_owned(), "x".to_owned())]);
        let invocation = parse(["--secret=".to_owned()], environment);
        assert!(invocation.warnings.is_empty());
        assert!(invocation.sources.is_classic());
    }

    #[test]
    fn our_options_take_their_value_both_ways() {
        for words in ["--config /a/b.conf", "--config=/a/b.conf"] {
            assert_eq!(parse_words(words).sources.config_file, Some(PathBuf::from("/a/b.conf")), "{words}");
        }
        assert_eq!(parse_words("check-config --format json").command, Command::CheckConfig { json: true });
        assert_eq!(parse_words("--host=a --help --config").command, Command::Help);
    }

    #[test]
    fn system_properties_are_read_from_java_sys_props_and_arguments() {
        let words = "-Dconfig.file='/etc/my jicofo.conf' -Xmx3072m -Djicofo.octo.enabled=true";
        let environment = BTreeMap::from([("JAVA_SYS_PROPS".to_owned(), words.to_owned())]);
        let invocation = parse(["-Djicofo.octo.enabled=false".to_owned()], environment);
        assert_eq!(invocation.sources.system.get("config.file"), Some("/etc/my jicofo.conf"));
        assert_eq!(invocation.sources.system.get("jicofo.octo.enabled"), Some("false"));
        assert!(invocation.sources.system.unknown.is_empty());
    }
}
