//! What people write on the command line: the flags of old start scripts (spec/10 §10.1), our options, and subcommands.
//!
//! The old flags have spellings that no argument parser knows (`name=value` without dashes, `_` and `-` alike, no value
//! after a blank), and an unknown argument is never an error; so they are read here, from the table that also declares
//! which keys they set.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::similar::distance;
use crate::config::sources::{FLAGS, Flag, FlagValue, SECRET_VARIABLES};
use crate::config::{DEFAULT_FILES, Sources, decoded, environment_file, java, migrate, read_bytes};
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
    /// What can only be a mistyped command or option of ours: nothing is done, as what was meant is not known.
    pub mistake: Option<String>,
    /// `--output FILE`, for `migrate`.
    pub output: Option<PathBuf>,
    /// For `explain-auth`.
    pub hypothesis: Hypothesis,
    /// The first argument that is nothing at all, as it is told.
    unknown: Option<String>,
}

const COMMANDS: &[(&str, Command)] = &[
    ("check-config", Command::CheckConfig { json: false }),
    ("migrate", Command::Migrate { format: migrate::Format::Hocon }),
    ("config-docs", Command::ConfigDocs),
    ("explain-auth", Command::ExplainAuth),
    ("help", Command::Help),
    ("version", Command::Version),
];

/// Our options that have a value, behind `=` or as the next argument.
const OPTIONS: &[&str] = &["config", ENVIRONMENT_FILE, "format", "output"];

const ENVIRONMENT_FILE: &str = "environment-file";

/// What a start is given, once the files of `--environment-file` are in it.
pub struct Given {
    pub arguments: Vec<String>,
    pub environment: BTreeMap<String, String>,
    /// What such files say that means nothing here.
    pub warnings: Vec<String>,
}

/// Takes `--environment-file FILE` out of the arguments and puts in what the old init scripts made of such a file: its
/// variables over the environment, and the flags for them before the other arguments. Err: all that is wrong.
pub fn with_environment_file(
    arguments: Vec<String>,
    mut environment: BTreeMap<String, String>,
) -> Result<Given, Vec<String>> {
    let mut others = Vec::new();
    let (mut warnings, mut wrong) = (Vec::new(), Vec::new());
    let mut set = BTreeMap::new();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let Some((ENVIRONMENT_FILE, value)) = option(&argument) else {
            others.push(argument);
            continue;
        };
        let file = value.map(str::to_owned).or_else(|| arguments.next()).unwrap_or_default();
        let text = match read_bytes(file.as_ref()).map(decoded) {
            Ok((text, is_utf8)) => {
                if !is_utf8 {
                    warnings.push(format!("{file}: is not UTF-8, and read as ISO 8859-1; save it as UTF-8"));
                }
                text
            }
            Err(error) => {
                wrong.push(format!("{file:?} of --{ENVIRONMENT_FILE} cannot be read ({error}); name a readable file"));
                continue;
            }
        };
        match environment_file::parse(&text, &environment) {
            Ok(read) => {
                warnings.extend(read.warnings.into_iter().map(|warning| format!("{file}:{warning}")));
                for map in [&mut environment, &mut set] {
                    map.retain(|name, _| !read.removed.contains(name));
                    map.extend(read.variables.clone());
                }
            }
            Err(mistakes) => wrong.extend(mistakes.into_iter().map(|mistake| format!("{file}:{mistake}"))),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    // Of repeated flags the last counts, and that is what the person wrote now.
    let mut flags = environment_file::arguments(&set);
    flags.extend(others);
    Ok(Given { arguments: flags, environment, warnings })
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
        mistake: None,
        output: None,
        hypothesis: Hypothesis::default(),
        unknown: None,
    };
    let mut format = None;
    // The word before was a flag without its value, which the next word is likely to be.
    let mut awaited = false;
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        if invocation.command == Command::ExplainAuth && invocation.supposes(&argument, &mut arguments) {
            continue;
        }
        let is_value = std::mem::take(&mut awaited);
        if argument.starts_with("-D") {
            invocation.sources.system.read([argument]);
        } else if let Some(command) = command(&argument) {
            invocation.is_told(command);
        } else if let Some((option, value)) = option(&argument) {
            match value.map(str::to_owned).or_else(|| arguments.next()).filter(|value| !value.is_empty()) {
                None => invocation.is_mistaken(format!("--{option} must be followed by its value; add it")),
                Some(value) => match option {
                    "config" => invocation.config_file(value),
                    "output" => invocation.output = Some(value.into()),
                    "format" => format = Some(value),
                    // Those of the arguments were taken out before; this one is of such a file.
                    _ => invocation.is_mistaken(format!("--{option} means nothing within such a file; remove it")),
                },
            }
        } else {
            awaited = invocation.value(&argument, is_value);
        }
        // The first of these decides; what comes after it is of no interest.
        if matches!(invocation.command, Command::Help | Command::Version) {
            return invocation;
        }
    }
    if let Some(format) = format {
        invocation.format(&format);
    }
    // An explanation of something else than was asked for is worse than none.
    if invocation.command == Command::ExplainAuth
        && let Some(unknown) = invocation.unknown.take()
    {
        invocation.is_mistaken(unknown);
    }
    invocation.repeated();
    invocation
}

/// `check-config`, and `--check-config` too.
fn command(argument: &str) -> Option<Command> {
    if argument == "-h" || argument == "-V" {
        return Some(if argument == "-h" { Command::Help } else { Command::Version });
    }
    // `help` and `version` are no words of ours without dashes: the original passes over whatever it is given.
    let is_ours = |name: &str| argument.starts_with('-') || !matches!(name, "help" | "version");
    COMMANDS.iter().find(|(name, _)| undashed(argument) == *name && is_ours(name)).map(|(_, command)| *command)
}

/// One of [`OPTIONS`], with the value behind its `=`.
fn option(argument: &str) -> Option<(&'static str, Option<&str>)> {
    let (name, value) = argument.split_once('=').map_or((argument, None), |(name, value)| (name, Some(value)));
    // `config=FILE` without dashes as well, as classic flags are written.
    let name = if name.starts_with('-') || value.is_some() { undashed(name) } else { return None };
    OPTIONS.iter().find(|known| **known == name).map(|known| (*known, value))
}

fn undashed(word: &str) -> &str {
    word.strip_prefix("--").or_else(|| word.strip_prefix('-')).unwrap_or(word)
}

impl Invocation {
    /// Takes an option of `explain-auth`. False: it is none.
    fn supposes(&mut self, argument: &str, arguments: &mut impl Iterator<Item = String>) -> bool {
        const SWITCHES: [&str; 4] = ["--request", "--room-exists", "--bound", "--breakouts-open"];
        let (name, value) = argument.split_once('=').map_or((argument, None), |(name, value)| (name, Some(value)));
        if SWITCHES.contains(&name) && value.is_some() {
            self.is_mistaken(format!("{name} has no value; write it alone, or leave it out"));
            return true;
        }
        let mut value = || value.map(str::to_owned).or_else(|| arguments.next()).filter(|value| !value.is_empty());
        let hypothesis = &mut self.hypothesis;
        let mut wrong = None;
        match name {
            // What is explained; there is nothing else yet that authentication decides about.
            "--request" => {}
            "--room-exists" => hypothesis.room_exists = true,
            "--bound" => hypothesis.bound = true,
            "--breakouts-open" => hypothesis.breakouts_open = true,
            "--from" | "--room" => {
                let value = value().filter(|value| !value.starts_with("--"));
                wrong = value.is_none().then(|| format!("{name} must be followed by its value; add it"));
                let place = if name == "--from" { &mut hypothesis.from } else { &mut hypothesis.room };
                *place = value;
            }
            "--session" => match value().as_deref().and_then(Session::named) {
                Some(session) => hypothesis.session = session,
                None => wrong = Some("--session is none of none, known, unknown; write one of them".to_owned()),
            },
            "--machine-uid" => match value().as_deref().and_then(Machine::named) {
                Some(machine) => hypothesis.machine = machine,
                None => wrong = Some("--machine-uid is none of same, other, none, long; write one of them".to_owned()),
            },
            _ => return false,
        }
        if let Some(wrong) = wrong {
            self.is_mistaken(wrong);
        }
        true
    }

    /// Of two commands only one could be obeyed, and the other one may be what was meant.
    fn is_told(&mut self, command: Command) {
        let before = self.command;
        if before == Command::Run || matches!(command, Command::Help | Command::Version) {
            self.command = command;
        } else if before != command {
            let name =
                |command: Command| COMMANDS.iter().find(|(_, known)| *known == command).map_or("", |(name, _)| name);
            let text = format!("{} and {} are two commands; give one of them", name(before), name(command));
            self.is_mistaken(text);
        }
    }

    fn is_mistaken(&mut self, mistake: String) {
        self.mistake.get_or_insert(mistake);
    }

    fn config_file(&mut self, file: String) {
        if let Some(before) = self.sources.config_file.replace(PathBuf::from(&file)) {
            if before.as_os_str() != file.as_str() {
                self.warnings.push(format!("--config is given again; {file} counts, {} is not read", before.display()));
            }
        }
    }

    fn format(&mut self, name: &str) {
        match (&mut self.command, name) {
            (Command::CheckConfig { json }, "json" | "text") => *json = name == "json",
            (Command::Migrate { format }, "conf" | "hocon") => *format = migrate::Format::Hocon,
            (Command::Migrate { format }, "toml") => *format = migrate::Format::Toml,
            (Command::CheckConfig { .. }, _) => {
                self.is_mistaken(format!("the format {name:?} is neither text nor json; write one of them"));
            }
            (Command::Migrate { .. }, _) => {
                self.is_mistaken(format!("the format {name:?} is neither conf nor toml; write one of them"));
            }
            _ => self.warnings.push("--format means nothing without check-config or migrate; it is passed over".into()),
        }
    }

    /// Classic flags that are given with different values.
    fn repeated(&mut self) {
        for declaration in FLAGS {
            let given = self.sources.flags.iter().filter(|given| given.flag == declaration.flag);
            let mut values: Vec<&str> =
                given.map(|given| given.value.trim()).filter(|value| !value.is_empty()).collect();
            values.dedup();
            if values.len() > 1 {
                let name = declaration.names[0];
                self.warnings.push(format!("--{name} is given with different values; the last of them counts"));
            }
        }
    }

    /// `name=value`, with up to two dashes before it. True: it has no value. `is_value`: the word before had none, so that
    /// this may be it.
    fn value(&mut self, argument: &str, is_value: bool) -> bool {
        let word = undashed(argument);
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let name = name.replace('-', "_");
        let Some(declaration) = FLAGS.iter().find(|declaration| declaration.names.contains(&name.as_str())) else {
            self.unknown(argument, is_value);
            return argument.starts_with('-') && !argument.contains('=');
        };
        if value.trim().is_empty() && !self.stands_in(declaration.flag) {
            self.warnings.push(format!("--{name} has no value (write --{name}=value); it is passed over"));
        }
        self.sources.flags.push(FlagValue { flag: declaration.flag, value: value.to_owned() });
        !argument.contains('=')
    }

    /// What is like a command or an option of ours was meant as one, and the server must not start instead. All else is
    /// passed over, as the original does (spec/10 §9).
    fn unknown(&mut self, argument: &str, is_value: bool) {
        let name = argument.split('=').next().unwrap_or_default();
        let dashed = name.starts_with('-');
        // Who asks for an explanation starts no server, and has options of another kind.
        let explains = self.command == Command::ExplainAuth;
        let meant = if !explains && (dashed || !is_value) { meant(undashed(name), dashed) } else { None };
        if let Some(meant) = meant {
            let name = shown(name);
            return self.is_mistaken(format!("there is no {name}; did you mean {meant}? `jicofo --help` lists all"));
        }
        // Only a name: a value may be a secret, and so may be a word that comes after its name.
        let what = match dashed {
            true => format!("the argument --{}", shown(undashed(name))),
            false => "an argument that is no flag".to_owned(),
        };
        let known = FLAGS.iter().flat_map(|declaration| declaration.names).copied();
        let hint = match nearest(&undashed(name).replace('-', "_"), known).filter(|_| dashed || argument.contains('='))
        {
            Some(known) => format!("did you mean --{known}? It is passed over"),
            None => "it is passed over".to_owned(),
        };
        self.unknown.get_or_insert_with(|| format!("{what} means nothing here; `jicofo --help` lists all that does"));
        self.warnings.push(format!("{what} means nothing here; {hint} (values are written as --name=value)"));
    }

    /// A blank flag for a secret that is in the environment is how secrets stay out of `ps`.
    fn stands_in(&self, flag: Flag) -> bool {
        let variable = SECRET_VARIABLES.iter().find(|(of, _)| *of == flag);
        variable.is_some_and(|(_, name)| self.sources.environment.contains_key(*name))
    }
}

/// The command or option of ours that a word is likely to mean.
fn meant(word: &str, dashed: bool) -> Option<String> {
    let word = word.to_ascii_lowercase().replace('_', "-");
    if !word.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-') {
        return None;
    }
    let shown = |name: &str| match name {
        "help" | "version" => format!("--{name}"),
        name => name.to_owned(),
    };
    if let Some(option) = nearest(&word, OPTIONS.iter().copied()).filter(|_| dashed) {
        return Some(format!("--{option}"));
    }
    let names = || COMMANDS.iter().map(|(name, _)| *name);
    if let Some(name) = nearest(&word, names()) {
        return Some(shown(name));
    }
    // `check`, `checkconfig`, `config-check`
    let has = |name: &str, also_option: bool| {
        let is_part = |part: &str| part.len() >= 5 && word.contains(part) && (also_option || !OPTIONS.contains(&part));
        name.split('-').any(is_part)
    };
    if let Some(name) = names().find(|name| has(name, false)) {
        return Some(shown(name));
    }
    // `--config-file`
    match OPTIONS.iter().find(|option| dashed && word.starts_with(**option)) {
        Some(option) => Some(format!("--{option}")),
        None => names().find(|name| has(name, true)).map(shown),
    }
}

/// The name most like this one, if any is: a third of it may be wrong.
fn nearest(word: &str, names: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let (far, name) = names.map(|name| (distance(word, name), name)).min()?;
    (far <= name.len() / 3).then_some(name)
}

/// A word in a message: short, and on one line.
fn shown(word: &str) -> String {
    word.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect()
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
    fn the_last_of_a_repeated_flag_counts_and_blank_ones_are_passed_over() {
        for (words, host, warnings) in [
            ("--host=a --host=b", "b", 1),
            ("--host=a --host=", "a", 1),
            ("--host=a host --host=b --host=", "b", 3),
            ("--host=a -host=a", "a", 0),
        ] {
            let invocation = parse_words(words);
            assert_eq!(invocation.sources.flag(Flag::Host), Some(host), "{words}");
            assert_eq!(invocation.warnings.len(), warnings, "{words}: {:?}", invocation.warnings);
        }
        let said = parse_words("--secret=geheim --secret=sesam").warnings;
        assert_eq!(said, ["--secret is given with different values; the last of them counts"]);
        let said = parse_words("--config=/a --config /b").warnings;
        assert_eq!(said, ["--config is given again; /b counts, /a is not read"]);
    }

    /// A server must not start where something else was meant.
    #[test]
    fn a_mistyped_command_or_option_is_a_mistake() {
        for (words, says) in [
            ("chek-config", "there is no chek-config; did you mean check-config?"),
            ("check", "did you mean check-config?"),
            ("configcheck --config /x", "did you mean check-config?"),
            ("--config /x Check_Config", "did you mean check-config?"),
            ("--chek-config", "did you mean check-config?"),
            ("migrat --format toml", "did you mean migrate?"),
            ("help", "did you mean --help?"),
            ("--confg /x", "there is no --confg; did you mean --config?"),
            ("--conifg=/x", "did you mean --config?"),
            ("--config-file=/x", "there is no --config-file; did you mean --config?"),
            ("--configfile /x", "did you mean --config?"),
            ("--check-config=/x", "did you mean check-config?"),
            ("--enviroment-file /x", "did you mean --environment-file?"),
            ("migrate --output", "--output must be followed by its value"),
            ("--config", "--config must be followed by its value"),
            ("--config=", "--config must be followed by its value"),
            ("check-config --format xml", "is neither text nor json"),
            ("migrate --format=yaml", "is neither conf nor toml"),
        ] {
            let mistake = parse_words(words).mistake.unwrap_or_default();
            assert!(mistake.contains(says), "{words}: {mistake}");
        }
        // What the original passes over, we do.
        for words in ["start", "extra", "/etc/jitsi/jicofo/config", "--foo", "--hostname=x", "--secret s3cret-config"] {
            let invocation = parse_words(words);
            assert!(
                invocation.mistake.is_none() && !invocation.warnings.is_empty(),
                "{words}: {:?}",
                invocation.mistake
            );
        }
        let said = parse_words("--user_passwort=geheim").warnings;
        assert!(said[0].contains("did you mean --user_password?") && !said[0].contains("geheim"), "{said:?}");
    }

    #[test]
    fn commands_may_have_dashes() {
        assert_eq!(parse_words("--check-config --format=json").command, Command::CheckConfig { json: true });
        assert_eq!(parse_words("-migrate --format toml").command, Command::Migrate { format: migrate::Format::Toml });
        assert_eq!(parse_words("--version").command, Command::Version);
    }

    /// Covers spec/10: 45.
    #[test]
    fn what_is_no_flag_is_skipped_with_a_warning() {
        let words = "-domain=meet.example.com --port=abc --secret=x --user_domain=auth.meet.example.com extra";
        let invocation = parse_words(words);
        assert_eq!((invocation.command, invocation.mistake), (Command::Run, None));
        assert!(matches!(&invocation.warnings[..], [it] if it.contains("is passed over")), "{:?}", invocation.warnings);
        assert_eq!(invocation.sources.flag(Flag::Domain), Some("meet.example.com"));
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
        for words in ["migrate --output /a/b.conf", "migrate --output=/a/b.conf"] {
            assert_eq!(parse_words(words).output, Some(PathBuf::from("/a/b.conf")), "{words}");
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
