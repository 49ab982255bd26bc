//! `/etc/jitsi/jicofo/config`, the shell fragment that old init scripts source (spec/10 §9, §10.1), and whose variables they made
//! flags of.
//!
//! It is read as `sh` reads it, as far as assignments go: quotes, comments, `;`, lines that go on behind a backslash, variables
//! and what stands in for them (`${NAME:-word}`). Whatever else the shell would do, run a command above all, is an error with
//! its place: a value that differs from the one the old start had is worse than none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

use super::hocon::limits;

/// The variables that old init scripts passed as flags.
const PASSED: &[(&str, &str)] = &[
    (HOST, "host"),
    ("JICOFO_HOSTNAME", "domain"),
    ("JICOFO_PORT", "port"),
    ("JICOFO_AUTH_USER", "user_name"),
    ("JICOFO_AUTH_DOMAIN", "user_domain"),
];

/// What old init scripts made `localhost` of where it was blank, so that the server is not sought at the domain's address.
const HOST: &str = "JICOFO_HOST";

/// Commands of such files that change no variable, but by what stands behind them: `: ${NAME:=word}`.
const HARMLESS: &[&str] = &["ulimit", "umask", "set", "true", ":"];

/// `${a:-${b:-…}}`: nobody nests deeper.
const MAX_DEPTH: usize = 20;

/// All that variables are replaced by, in bytes: values that are made of themselves over and over have no end.
const MAX_REPLACED: usize = 16 << 20;

/// What a file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Read {
    pub variables: BTreeMap<String, String>,
    /// `unset`: not even the environment's are there.
    pub removed: BTreeSet<String>,
    /// `line:column: what is passed over`.
    pub warnings: Vec<String>,
}

/// The file's variables; `$NAME` is one set further up, or `environment`'s. Err: all that is wrong, each as
/// `line:column: what is wrong; what to do`.
pub fn parse(text: &str, environment: &BTreeMap<String, String>) -> Result<Read, Vec<String>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let rest = text.chars().peekable();
    let mut reader =
        Reader { rest, line: 1, column: 1, environment, read: Read::default(), replaced: 0, wrong: Vec::new() };
    loop {
        let (begin, place) = (reader.rest.clone(), reader.place());
        match reader.command() {
            Ok(true) => {}
            Ok(false) => break,
            Err(mistake) => {
                // The rest of the line may follow from it, and a quote that nothing closes has swallowed more than that.
                (reader.rest, Place(reader.line, reader.column)) = (begin, place);
                let passed = reader.skip_line(mistake.place.0);
                let goes_on = passed.matches('"').count() % 2 == 1 && !mistake.text.contains("is not closed");
                reader.wrong.push(mistake);
                if goes_on {
                    // Of a value over several lines, the others are no commands.
                    break;
                }
            }
        }
        if reader.wrong.len() >= limits::PROBLEMS {
            break;
        }
    }
    match reader.wrong.is_empty() {
        true => Ok(reader.read),
        false => Err(reader.wrong.iter().map(Mistake::to_string).collect()),
    }
}

/// What is wrong, and where.
struct Mistake {
    place: Place,
    text: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place(line, column) = self.place;
        write!(f, "{line}:{column}: {}", self.text)
    }
}

/// The arguments that an old init script made of the variables; none in a modern installation, which has none of them.
pub fn arguments(variables: &BTreeMap<String, String>) -> Vec<String> {
    let given = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    let is_old = PASSED.iter().any(|(name, _)| given(name).is_some());
    let host = (is_old && given(HOST).is_none()).then(|| "--host=localhost".to_owned());
    let mut arguments: Vec<String> =
        PASSED.iter().filter_map(|(name, flag)| Some(format!("--{flag}={}", given(name)?))).collect();
    arguments.extend(host);
    // As `$JICOFO_OPTS` without quotes around it: blanks separate, and quotes within are part of the words.
    arguments.extend(given("JICOFO_OPTS").into_iter().flat_map(|words| words.split_whitespace()).map(str::to_owned));
    arguments
}

struct Reader<'t> {
    rest: Peekable<Chars<'t>>,
    line: u32,
    column: u32,
    environment: &'t BTreeMap<String, String>,
    read: Read,
    /// See [`MAX_REPLACED`].
    replaced: usize,
    wrong: Vec<Mistake>,
}

/// Where a part of the file begins.
#[derive(Clone, Copy)]
struct Place(u32, u32);

/// What ends the text that is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// A blank, a line end, `;` or another sign of the shell.
    WordEnds,
    /// The quote that closes.
    Quote,
    /// `}`, outside of quotes and inside of them.
    Brace,
    QuotedBrace,
}

impl Reader<'_> {
    /// To the beginning of the line behind this one.
    fn skip_line(&mut self, line: u32) -> String {
        let mut passed = String::new();
        while self.line <= line {
            let Some(c) = self.bump() else { break };
            passed.push(c);
        }
        passed
    }

    fn place(&self) -> Place {
        Place(self.line, self.column)
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().copied()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        if c == '\n' {
            (self.line, self.column) = (self.line + 1, 1);
        } else {
            self.column += 1;
        }
        Some(c)
    }

    /// Blanks, comments, lines that are continued, and carriage returns, which editors of other systems leave.
    fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\r') => _ = self.bump(),
                Some('\\') if self.continues() => {}
                Some('#') => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.bump();
                    }
                }
                _ => return,
            }
        }
    }

    /// Passes over a backslash and the line end behind it.
    fn continues(&mut self) -> bool {
        let mut ahead = self.rest.clone();
        ahead.next();
        let length = match (ahead.next(), ahead.next()) {
            (Some('\n'), _) => 2,
            (Some('\r'), Some('\n')) => 3,
            _ => return false,
        };
        for _ in 0..length {
            self.bump();
        }
        true
    }

    /// One command: assignments, or one of the few that do no harm. False: the file ends.
    fn command(&mut self) -> Result<bool, Mistake> {
        loop {
            self.blanks();
            match self.peek() {
                None => return Ok(false),
                Some('\n') => _ = self.bump(),
                Some(_) => break,
            }
        }
        let mut exports = false;
        let mut said = 0;
        loop {
            self.blanks();
            let place = self.place();
            match self.peek() {
                None | Some('\n') => break,
                Some(';') if said > 0 || exports => {
                    self.bump();
                    break;
                }
                Some(_) => {}
            }
            let name = self.name();
            if !name.is_empty() && self.peek() == Some('=') {
                self.bump();
                let value = self.text(Until::WordEnds, 0)?;
                self.set(name, value);
                said += 1;
                continue;
            }
            let word = name + &self.bare();
            match word.as_str() {
                "export" | "readonly" if said == 0 && !exports => exports = true,
                _ if exports && is_name(&word) => said += 1,
                "unset" if said == 0 && !exports => return self.unset().map(|()| true),
                word if said == 0 && !exports && HARMLESS.contains(&word) => {
                    if !matches!(word, "true" | ":") {
                        let text = format!("`{word}` is the shell's and has no effect here; it is passed over");
                        self.read.warnings.push(told(place, &text).to_string());
                    }
                    self.words()?;
                    break;
                }
                _ => return Err(told(place, "this is no assignment, and commands are not run; write NAME=value only")),
            }
        }
        Ok(true)
    }

    fn unset(&mut self) -> Result<(), Mistake> {
        loop {
            self.blanks();
            let place = self.place();
            match self.peek() {
                None => return Ok(()),
                Some('\n' | ';') => {
                    self.bump();
                    return Ok(());
                }
                Some(_) => {}
            }
            let name = self.name();
            if name.is_empty() {
                return Err(told(place, "unset is followed by names of variables; write those only"));
            }
            self.read.variables.remove(&name);
            self.read.removed.insert(name);
        }
    }

    /// The words behind a command: they are read as the shell does, and do nothing else.
    fn words(&mut self) -> Result<(), Mistake> {
        loop {
            self.blanks();
            match self.peek() {
                None | Some('\n' | ';') => break,
                Some(_) => _ = self.text(Until::WordEnds, 0)?,
            }
        }
        self.bump();
        Ok(())
    }

    fn set(&mut self, name: String, value: String) {
        self.read.removed.remove(&name);
        self.read.variables.insert(name, value);
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
            if name.is_empty() && c.is_ascii_digit() {
                break;
            }
            name.push(c);
            self.bump();
        }
        name
    }

    /// The rest of a word that is no assignment, for a message.
    fn bare(&mut self) -> String {
        let mut word = String::new();
        while let Some(c) = self.peek().filter(|c| !c.is_whitespace() && *c != ';') {
            word.push(c);
            self.bump();
        }
        word
    }

    /// Text with its quotes and variables, up to its end, which is taken only if it closes something.
    fn text(&mut self, until: Until, depth: usize) -> Result<String, Mistake> {
        let mut text = String::new();
        let open = self.place();
        let quoted = matches!(until, Until::Quote | Until::QuotedBrace);
        if depth > MAX_DEPTH {
            return Err(told(open, "quotes and braces are nested too deep; write the value itself"));
        }
        loop {
            let place = self.place();
            let Some(c) = self.peek() else {
                return match until {
                    Until::WordEnds => Ok(text),
                    Until::Quote => Err(told(open, "the quote before this is not closed; close it")),
                    _ => Err(told(open, "the brace before this is not closed; close it with }")),
                };
            };
            match c {
                '\0' => return Err(told(place, "a NUL byte has no place here; remove it")),
                '"' if until == Until::Quote => {
                    self.bump();
                    return Ok(text);
                }
                '}' if matches!(until, Until::Brace | Until::QuotedBrace) => {
                    self.bump();
                    return Ok(text);
                }
                ' ' | '\t' | '\r' | '\n' | ';' if until == Until::WordEnds => return Ok(text),
                '&' | '|' | '<' | '>' | '(' | ')' if !quoted => {
                    let wrong = format!("{c} is a sign of the shell; put the value in quotes");
                    return Err(told(place, &wrong));
                }
                '~' if until == Until::WordEnds && text.is_empty() => {
                    return Err(told(
                        place,
                        "~ is a folder of the shell's; write its name, or put the value in quotes",
                    ));
                }
                '`' => return Err(no_command(place)),
                '\'' if !quoted => {
                    self.bump();
                    text.push_str(&self.single(place)?);
                }
                '"' => {
                    self.bump();
                    text.push_str(&self.text(Until::Quote, depth + 1)?);
                }
                '\\' if self.continues() => {}
                '\\' => {
                    self.bump();
                    match self.bump() {
                        Some(c) if !quoted || matches!(c, '$' | '`' | '"' | '\\') => text.push(c),
                        Some('}') if until == Until::QuotedBrace => text.push('}'),
                        Some(c) => text.extend(['\\', c]),
                        None => text.push('\\'),
                    }
                }
                '$' => {
                    self.bump();
                    let value = self.variable(place, quoted, depth)?;
                    self.replaced += value.len();
                    if self.replaced > MAX_REPLACED {
                        return Err(told(place, "the values grow without end; write them themselves"));
                    }
                    text.push_str(&value);
                }
                _ => {
                    text.push(c);
                    self.bump();
                }
            }
        }
    }

    /// Within `'…'`.
    fn single(&mut self, open: Place) -> Result<String, Mistake> {
        let mut text = String::new();
        loop {
            match self.bump() {
                Some('\'') => return Ok(text),
                Some('\0') | None => return Err(told(open, "this quote is not closed; close it")),
                Some(c) => text.push(c),
            }
        }
    }

    /// Behind a `$`.
    fn variable(&mut self, place: Place, quoted: bool, depth: usize) -> Result<String, Mistake> {
        match self.peek() {
            Some('(') => return Err(no_command(place)),
            Some('{') => _ = self.bump(),
            Some(c) if c.is_ascii_digit() || matches!(c, '@' | '*' | '#' | '?' | '$' | '!' | '-') => {
                return Err(told(
                    place,
                    "this stands for something of the running shell; write its value, or \\$ for a $",
                ));
            }
            Some('\'' | '"') if !quoted => {
                return Err(told(place, "$ before a quote means different things to different shells; remove it"));
            }
            _ => {
                let name = self.name();
                return Ok(if name.is_empty() { "$".to_owned() } else { self.value(&name).unwrap_or_default() });
            }
        }
        let name = self.name();
        let known = self.value(&name);
        let colon = self.peek() == Some(':');
        if colon {
            self.bump();
        }
        let set = known.as_ref().is_some_and(|value| !colon || !value.is_empty());
        let until = if quoted { Until::QuotedBrace } else { Until::Brace };
        let operator = self.bump();
        match operator {
            _ if name.is_empty() => {}
            Some('}') if !colon => return Ok(known.unwrap_or_default()),
            Some('-' | '=') => {
                let word = self.text(until, depth + 1)?;
                let value = if set { known.unwrap_or_default() } else { word };
                if operator == Some('=') && !set {
                    self.set(name, value.clone());
                }
                return Ok(value);
            }
            Some('+') => {
                let word = self.text(until, depth + 1)?;
                return Ok(if set { word } else { String::new() });
            }
            Some('?') => {
                self.text(until, depth + 1)?;
                return match set {
                    true => Ok(known.unwrap_or_default()),
                    // What was to set it may be what is wrong.
                    false if !self.wrong.is_empty() => Ok(String::new()),
                    false => Err(told(place, &format!("{name} is not set, and has to be; set it"))),
                };
            }
            None => return Err(told(place, "this brace is not closed; close it with }")),
            _ => {}
        }
        Err(told(place, "of ${…} only a name, and :- := :+ :? behind it, are read; write the value itself"))
    }

    fn value(&self, name: &str) -> Option<String> {
        let inherited = || self.environment.get(name).filter(|_| !self.read.removed.contains(name));
        self.read.variables.get(name).or_else(inherited).cloned()
    }
}

fn is_name(word: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    word.bytes().all(plain) && word.bytes().next().is_some_and(|b| !b.is_ascii_digit())
}

fn told(place: Place, text: &str) -> Mistake {
    Mistake { place, text: text.to_owned() }
}

fn no_command(place: Place) -> Mistake {
    told(
        place,
        "what a command prints is not known here, as none is run; write its result, or a backslash before the sign",
    )
}
