//! What people write on the command line: the flags of old start scripts (spec/10 §10.1), our options, and subcommands.
//!
//! The old flags have spellings that no argument parser knows (`name=value` without dashes, `_` and `-` alike, no value
//! after a blank), and an unknown argument is never an error; so they are read here, from the table that also declares
//! which keys they set.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::sources::{FLAGS, Flag, FlagValue, SECRET_VARIABLES};
use crate::config::{DEFAULT_FILES, Sources, environment_file, java, migrate, read_text};
use crate::focus::auth::explain::{Hypothesis, Machine, Session};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Run,
    /// Print every problem and the effective configuration; exit 0 or 78.
    CheckConfig {
        json: bool,
    },
    /// Write one file that means the same as all that was read.
    Migrate {
        format: migrate::Format,
    },
    /// Print docs/CONFIGURATION.md.
    ConfigDocs,
    /// Print what authentication makes of the request that [`Invocation::hypothesis`] describes.
    ExplainAuth,
    Help,
    Version,
}

pub struct Invocation {
    pub command: Command,
    pub sources: Sources,
    /// Arguments that mean nothing, each with the reason.
    pub warnings: Vec<String>,
    /// `--output FILE`, for `migrate`.
    pub output: Option<PathBuf>,
    /// For `explain-auth`.
    pub hypothesis: Hypothesis,
}

/// Takes `--environment-file FILE` out of the arguments and puts in what the old init scripts made of such a file: its
/// variables over the environment, and the flags for them before the other arguments. Err: what to tell the person.
pub fn with_environment_file(
    arguments: Vec<String>,
    mut environment: BTreeMap<String, String>,
) -> Result<(Vec<String>, BTreeMap<String, String>), String> {
    const OPTION: &str = "--environment-file";
    let mut flags = Vec::new();
    let mut others = Vec::new();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let file = match argument.strip_prefix(OPTION) {
            Some("") => arguments.next().unwrap_or_default(),
            Some(rest) if rest.starts_with('=') => rest[1..].to_owned(),
            _ => {
                others.push(argument);
                continue;
            }
        };
        let text = read_text(file.as_ref())
            .map_err(|error| format!("{file:?} of {OPTION} cannot be read ({error}); name a readable file"))?;
        let variables = environment_file::parse(&text, &environment);
        flags.extend(environment_file::arguments(&variables));
        environment.extend(variables);
    }
    // Of repeated flags the last counts, and that is what the person wrote now.
    flags.extend(others);
    Ok((flags, environment))
}

/// `arguments` without the program's name.
pub fn parse(arguments: impl IntoIterator<Item = String>, environment: BTreeMap<String, String>) -> Invocation {
    let mut sources = Sources { default_files: DEFAULT_FILES.map(PathBuf::from).into(), ..Sources::default() };
    if let Some(words) = environment.get("JAVA_SYS_PROPS") {
        sources.system.read(java::split_words(words));
    }
    sources.environment = environment;
    let mut invocation = Invocation {
        command: Command::Run,
        sources,
        warnings: Vec::new(),
        output: None,
        hypothesis: Hypothesis::default(),
    };
    let mut format = None;
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        if invocation.command == Command::ExplainAuth && invocation.supposes(&argument, &mut arguments) {
            continue;
        }
        match argument.as_str() {
            "explain-auth" => invocation.command = Command::ExplainAuth,
            "check-config" => invocation.command = Command::CheckConfig { json: false },
            "migrate" => invocation.command = Command::Migrate { format: migrate::Format::default() },
            "config-docs" => invocation.command = Command::ConfigDocs,
            "--help" | "-help" | "-h" => invocation.command = Command::Help,
            "--version" | "-version" | "-V" => invocation.command = Command::Version,
            "--config" => match arguments.next() {
                Some(file) => invocation.sources.config_file = Some(file.into()),
                None => invocation.warnings.push("--config must be followed by a file; it is passed over".into()),
            },
            "--output" => invocation.output = arguments.next().map(PathBuf::from),
            "--format" => format = arguments.next(),
            word if word.starts_with("--format=") => format = Some(word["--format=".len()..].to_owned()),
            word if word.starts_with("-D") => invocation.sources.system.read([argument]),
            _ => invocation.value(&argument),
        }
        // The first of these decides; what comes after it is of no interest.
        if matches!(invocation.command, Command::Help | Command::Version) {
            return invocation;
        }
    }
    if let Some(format) = format {
        invocation.format(&format);
    }
    invocation
}

impl Invocation {
    /// Takes an option of `explain-auth`. False: it is none.
    fn supposes(&mut self, argument: &str, arguments: &mut impl Iterator<Item = String>) -> bool {
        let (name, value) = argument.split_once('=').map_or((argument, None), |(name, value)| (name, Some(value)));
        let mut value = || value.map(str::to_owned).or_else(|| arguments.next()).filter(|value| !value.is_empty());
        let hypothesis = &mut self.hypothesis;
        match name {
            // What is explained; there is nothing else yet that authentication decides about.
            "--request" => {}
            "--room-exists" => hypothesis.room_exists = true,
            "--bound" => hypothesis.bound = true,
            "--breakouts-open" => hypothesis.breakouts_open = true,
            "--from" => hypothesis.from = value(),
            "--room" => hypothesis.room = value(),
            "--session" => match value().as_deref().and_then(Session::named) {
                Some(session) => hypothesis.session = session,
                None => self.warnings.push("--session is none of none, known, unknown; it is passed over".into()),
            },
            "--machine-uid" => match value().as_deref().and_then(Machine::named) {
                Some(machine) => hypothesis.machine = machine,
                None => {
                    self.warnings.push("--machine-uid is none of same, other, none, long; it is passed over".into())
                }
            },
            _ => return false,
        }
        true
    }

    fn format(&mut self, name: &str) {
        match (&mut self.command, name) {
            (Command::CheckConfig { json }, "json" | "text") => *json = name == "json",
            (Command::Migrate { format }, "conf" | "hocon") => *format = migrate::Format::Hocon,
            (Command::Migrate { format }, "toml") => *format = migrate::Format::Toml,
            (Command::CheckConfig { .. }, _) => {
                self.warnings.push(format!("the format {name:?} is neither text nor json"))
            }
            _ => self.warnings.push(format!("the format {name:?} is neither conf nor toml")),
        }
    }

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
            // Only a name: a value may be a secret, and so may be a word that comes after its name.
            let what = if argument.starts_with('-') {
                format!("the argument --{name}")
            } else {
                "an argument that is no flag".to_owned()
            };
            self.warnings
                .push(format!("{what} means nothing here; it is passed over (values are written as --name=value)"));
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
Usage: jicofo [check-config | migrate | config-docs | explain-auth] [--config FILE] [flags]

The conference focus of Jitsi Meet. Without flags everything is in the configuration file: that of --config, else of
-Dconfig.file=FILE in the environment variable JAVA_SYS_PROPS, else /etc/jitsi/jicofo/jicofo.conf or jicofo.toml there.

  check-config   print every problem and the effective configuration, exit 0 or 78 (--format json: for programs)
  migrate        print one commented file that means the same as the files, flags and environment of a start, secrets
                 included (--format toml: TOML; --output FILE: write a new file that others cannot read)
  config-docs    print the page of all keys
  explain-auth   print what becomes of a conference request, by which rule, and what to change if that surprises:
                 explain-auth --request --room NAME [--from ADDRESS] [--room-exists] [--breakouts-open]
                 [--session none|known|unknown] [--machine-uid same|other|none|long] [--bound]; ADDRESS as it reaches
                 the focus, without it the request comes over HTTP; --bound: the address used a session before
  --config FILE  the configuration file: .conf (HOCON), .json, .toml or .properties
  --environment-file FILE
                 a shell fragment such as /etc/jitsi/jicofo/config, read as old init scripts did
  --help, --version

Classic flags, as --name=value:
"
    .to_owned();
    for declaration in FLAGS {
        usage.push_str(&format!("  --{:<15} {}\n", declaration.names[0], declaration.about));
    }
    usage.push_str(
        "
Environment: JAVA_SYS_PROPS (-Dname=value words); JICOFO_SECRET, JICOFO_AUTH_PASSWORD, or JICOFO_SECRET_FILE and
JICOFO_AUTH_PASSWORD_FILE that name files; JICOFO__SECTION__KEY for every key (JICOFO__XMPP__CLIENT__PORT=5223); JICOFO_LOG
(levels: info, debug, jicofo::focus=trace).

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
