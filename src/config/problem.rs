//! What is wrong with a configuration, and where: `file:line:column: key: problem; do this`.

use std::fmt;
use std::sync::Arc;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The schema's default.
    Default,
    /// A file; line and column count characters from 1, 0 if they are unknown.
    File {
        file: Arc<str>,
        line: u32,
        column: u32,
        /// What a substitution there took the value from, if that is in no file: it is what a person has to change.
        via: Option<Arc<str>>,
    },
    /// `-Dname=value` in `JAVA_SYS_PROPS` or among the arguments.
    SystemProperty(Arc<str>),
    Environment(Arc<str>),
    /// A classic flag, as the person wrote it (`--host`).
    Flag(Arc<str>),
    /// Follows from another value, which the text names.
    Derived(Arc<str>),
}

impl Origin {
    pub fn file(file: &Arc<str>, line: u32, column: u32) -> Origin {
        Origin::File { file: Arc::clone(file), line, column, via: None }
    }

    /// This place, whose value comes from elsewhere if `found` does. Each source is named once.
    pub fn substituted(&self, found: &Origin) -> Origin {
        let more: Arc<str> = match found {
            Origin::File { via: Some(via), .. } => Arc::clone(via),
            Origin::Environment(_) | Origin::SystemProperty(_) => found.to_string().into(),
            _ => return self.clone(),
        };
        match self {
            Origin::File { file, line, column, via } => {
                let via = match via {
                    Some(known) if known.split(", ").any(|name| *name == *more) => Arc::clone(known),
                    Some(known) => format!("{known}, {more}").into(),
                    None => more,
                };
                Origin::File { file: Arc::clone(file), line: *line, column: *column, via: Some(via) }
            }
            other => other.clone(),
        }
    }

    /// What a substitution took the value from.
    pub fn via(&self) -> Option<&str> {
        match self {
            Origin::File { via, .. } => via.as_deref(),
            _ => None,
        }
    }

    /// A file as a whole.
    pub fn whole_file(file: &str) -> Origin {
        Origin::File { file: file.into(), line: 0, column: 0, via: None }
    }

    /// The place alone, as editors know it: `file:line:column`.
    fn place(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File { file, line: 0, .. } => f.write_str(file),
            Origin::File { file, line, column: 0, .. } => write!(f, "{file}:{line}"),
            Origin::File { file, line, column, .. } => write!(f, "{file}:{line}:{column}"),
            other => fmt::Display::fmt(other, f),
        }
    }

    /// Did a person write it, or does it follow from nothing that a person wrote?
    pub fn is_default(&self) -> bool {
        matches!(self, Origin::Default)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { via, .. } => {
                self.place(f)?;
                via.as_ref().map_or(Ok(()), |via| write!(f, ", {via}"))
            }
            Origin::SystemProperty(name) => write!(f, "-D{name}"),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::Flag(name) => f.write_str(name),
            Origin::Derived(from) => write!(f, "from {from}"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The program starts. A value that is wrong is not used: the default is, or nothing.
    Warning,
    /// The program does not start: neither would the original, or nothing would work with it.
    Error,
}

impl Severity {
    pub fn word(self) -> &'static str {
        match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// One thing to tell the person who wrote the configuration. The text says what is wrong and, after a semicolon, what to do;
/// it never holds a secret's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    pub origin: Option<Origin>,
    pub key: Option<String>,
    pub text: String,
}

impl Problem {
    pub fn new(severity: Severity, text: impl Into<String>) -> Problem {
        Problem { severity, origin: None, key: None, text: text.into() }
    }

    pub fn error(text: impl Into<String>) -> Problem {
        Problem::new(Severity::Error, text)
    }

    pub fn warning(text: impl Into<String>) -> Problem {
        Problem::new(Severity::Warning, text)
    }

    pub fn at(mut self, origin: Origin) -> Problem {
        self.origin = Some(origin);
        self
    }

    pub fn key(mut self, key: impl Into<String>) -> Problem {
        self.key = Some(key.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            None | Some(Origin::Default) => {}
            Some(origin) => {
                origin.place(f)?;
                f.write_str(": ")?;
            }
        }
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.text)?;
        match self.origin.as_ref().and_then(Origin::via) {
            Some(via) => write!(f, " (the value is that of {via})"),
            None => Ok(()),
        }
    }
}
