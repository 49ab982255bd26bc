//! What a start is given to read from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::hocon::Variable;
use super::java::SystemProperties;
use super::problem::Origin;

/// A classic flag (spec/10 §10.1). No `Debug`: the value may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct FlagValue {
    pub flag: Flag,
    pub value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    Domain,
    Host,
    Port,
    Subdomain,
    Secret,
    UserDomain,
    UserName,
    UserPassword,
}

/// The names of a flag, those of 2014 last; the keys it sets; what it means.
pub struct FlagDeclaration {
    pub flag: Flag,
    pub names: &'static [&'static str],
    pub keys: &'static [&'static str],
    pub about: &'static str,
}

const fn flag(
    flag: Flag,
    names: &'static [&'static str],
    keys: &'static [&'static str],
    about: &'static str,
) -> FlagDeclaration {
    FlagDeclaration { flag, names, keys, about }
}

pub static FLAGS: &[FlagDeclaration] = &[
    flag(
        Flag::Domain,
        &["domain"],
        &["jicofo.xmpp.client.xmpp-domain", "jicofo.xmpp.component.domain"],
        "XMPP domain (default: the host)",
    ),
    flag(
        Flag::Host,
        &["host"],
        &["jicofo.xmpp.client.hostname", "jicofo.xmpp.component.hostname"],
        "XMPP server, for component and user (default: the domain, else localhost)",
    ),
    flag(Flag::Port, &["port"], &["jicofo.xmpp.component.port"], "component port (default: 5347)"),
    flag(
        Flag::Subdomain,
        &["subdomain"],
        &["jicofo.xmpp.component.subdomain"],
        "first label of the component's domain (default: focus)",
    ),
    flag(
        Flag::Secret,
        &["secret"],
        &["jicofo.xmpp.component.secret"],
        "component secret; others can see it in `ps`, better: JICOFO_SECRET in the environment",
    ),
    flag(
        Flag::UserDomain,
        &["user_domain", "userdomain"],
        &["jicofo.xmpp.client.domain"],
        "login domain of the focus user (default: auth.DOMAIN)",
    ),
    flag(Flag::UserName, &["user_name"], &["jicofo.xmpp.client.username"], "name of the focus user (default: focus)"),
    flag(
        Flag::UserPassword,
        &["user_password", "password"],
        &["jicofo.xmpp.client.password"],
        "its password; others can see it in `ps`, better: JICOFO_AUTH_PASSWORD in the environment",
    ),
];

/// Environment variables that stand in for a flag that is blank.
pub const SECRET_VARIABLES: &[(Flag, &str)] =
    &[(Flag::Secret, "JICOFO_SECRET"), (Flag::UserPassword, "JICOFO_AUTH_PASSWORD")];

/// Environment variables that name a file with the secret, and the key that does so in a file.
pub const SECRET_FILE_VARIABLES: &[(Flag, &str, &str)] = &[
    (Flag::Secret, "JICOFO_SECRET_FILE", "jicofo.xmpp.component.secret-file"),
    (Flag::UserPassword, "JICOFO_AUTH_PASSWORD_FILE", "jicofo.xmpp.client.password-file"),
];

/// No `Debug`: there are secrets in it.
#[derive(Clone, Default)]
pub struct Sources {
    /// `--config FILE`.
    pub config_file: Option<PathBuf>,
    /// The first of them that is there is read if nobody names a file.
    pub default_files: Vec<PathBuf>,
    /// In the order given; the last one of a kind that is not blank counts. Blank ones show that this is a classic start.
    pub flags: Vec<FlagValue>,
    pub system: SystemProperties,
    pub environment: BTreeMap<String, String>,
    /// Does it run in a container, whose addresses are not the machine's?
    pub in_container: bool,
    /// Variables whose value, or whose name even, is no UTF-8.
    pub unreadable: BTreeSet<String>,
}

/// A value that is stronger or weaker than all files.
#[derive(Clone)]
pub(super) struct Override {
    pub(super) key: &'static str,
    pub(super) text: String,
    pub(super) origin: Origin,
}

impl Sources {
    /// Flags as before 2022. They decide about values that a file may leave out.
    pub fn is_classic(&self) -> bool {
        !self.flags.is_empty()
    }

    /// The last value that is not blank: `--host=a --host=` is `a`, as a blank flag is passed over (spec/10 §10.1).
    pub fn flag(&self, flag: Flag) -> Option<&str> {
        let of_it = self.flags.iter().rev().filter(|given| given.flag == flag);
        of_it.map(|given| given.value.as_str()).find(|value| !value.trim().is_empty())
    }

    /// What flags say, and the environment where a flag is blank.
    fn flag_overrides(&self) -> Vec<Override> {
        let mut overrides = Vec::new();
        for declaration in FLAGS {
            if let Some(value) = self.flag(declaration.flag) {
                let origin = Origin::Flag(format!("--{}", declaration.names[0]).into());
                let all =
                    declaration.keys.iter().map(|key| Override { key, text: value.into(), origin: origin.clone() });
                overrides.extend(all);
            }
        }
        overrides
    }

    pub(super) fn variable(&self, name: &str) -> Variable {
        match self.environment.get(name) {
            Some(text) => Variable::Text(text.clone()),
            None if self.unreadable.contains(name) => Variable::NotText,
            None => Variable::Absent,
        }
    }

    /// A variable that is not blank. What is no UTF-8 is kept as what stands for that everywhere.
    fn secret(&self, name: &str) -> Option<String> {
        match self.variable(name) {
            Variable::Text(text) => Some(text).filter(|text| !text.trim().is_empty()),
            Variable::NotText => Some(char::REPLACEMENT_CHARACTER.into()),
            Variable::Absent => None,
        }
    }

    fn environment_overrides(&self) -> Vec<Override> {
        let mut overrides = Vec::new();
        for (flag, variable) in SECRET_VARIABLES {
            let value = self.secret(variable);
            let declaration = FLAGS.iter().find(|d| d.flag == *flag);
            if let (Some(value), Some(declaration), None) = (&value, declaration, self.flag(*flag)) {
                let origin = Origin::Environment((*variable).into());
                let all =
                    declaration.keys.iter().map(|key| Override { key, text: value.clone(), origin: origin.clone() });
                overrides.extend(all);
            }
        }
        for (flag, variable, key) in SECRET_FILE_VARIABLES {
            if let (Some(text), None) = (self.secret(variable), self.flag(*flag)) {
                overrides.push(Override { key, text, origin: Origin::Environment((*variable).into()) });
            }
        }
        overrides
    }

    pub(super) fn is_secret_variable(name: &str) -> bool {
        SECRET_VARIABLES.iter().any(|(_, known)| *known == name)
            || SECRET_FILE_VARIABLES.iter().any(|(_, known, _)| *known == name)
    }

    /// Stronger than files, and weaker than files.
    ///
    /// The environment stands in for blank flags, so it is strong in a classic start. In a modern one the reference does not
    /// read it, and docker always sets it: a custom file that says otherwise must win there.
    pub(super) fn overrides(&self) -> (Vec<Override>, Vec<Override>) {
        let (mut strong, mut weak) = (self.flag_overrides(), Vec::new());
        match self.is_classic() {
            true => strong.extend(self.environment_overrides()),
            false => weak.extend(self.environment_overrides()),
        }
        (strong, weak)
    }

    /// `sip-communicator.properties`, if both parts of its place are known: by the environment, else by `-D`.
    pub(super) fn legacy_file(&self) -> Option<PathBuf> {
        let part = |name: &str| {
            let name = format!("net.java.sip.communicator.SC_HOME_DIR_{name}");
            self.environment.get(&name).map(String::as_str).or_else(|| self.system.get(&name)).map(str::to_owned)
        };
        let (location, name) = (part("LOCATION")?, part("NAME")?);
        Some(Path::new(&location).join(name).join("sip-communicator.properties"))
    }
}
