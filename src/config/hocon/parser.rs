//! HOCON's grammar (spec/70 §2): one pass over one file, into definitions.

use super::cursor::{Cursor, is_special};
use super::loader::{Include, IncludeKind, Loader};
use super::raw::{Fields, Raw, RawNode, Substitution};
use super::{limits, shown_path};
use crate::config::problem::{Origin, Problem};
use crate::config::properties::Property;

pub(super) struct Parser<'a, 'l> {
    cursor: Cursor<'a>,
    loader: &'l mut Loader,
    /// Where this file was included, and the path of the object being read below that.
    path: Vec<String>,
    included_at: usize,
    depth: usize,
    /// The first brace that seems to have been closed by the one of an outer section, going by the indentation.
    astray: Option<u32>,
}

impl<'a, 'l> Parser<'a, 'l> {
    /// `path`: the object into which the file is included; `depth`: how deep that is.
    pub(super) fn new(cursor: Cursor<'a>, loader: &'l mut Loader, path: Vec<String>, depth: usize) -> Parser<'a, 'l> {
        Parser { cursor, loader, included_at: path.len(), path, depth, astray: None }
    }

    /// The whole file: one object, with or without its braces.
    pub(super) fn file(mut self) -> Result<Fields, Problem> {
        self.cursor.skip();
        if self.cursor.peek() == Some('[') && self.at_toml_section() {
            return Err(self.unexpected('[', "a key"));
        }
        if self.cursor.peek() == Some('[') {
            return Err(self.cursor.error("the file is a list; a configuration must be an object, `key = value`"));
        }
        let open = self.cursor.clone();
        if !self.cursor.eat("{") {
            return self.fields(None);
        }
        let fields = self.fields(Some(&open))?;
        self.cursor.skip();
        match self.cursor.peek() {
            None => Ok(fields),
            Some(_) => {
                Err(self.cursor.error("the file goes on after its closing brace; remove one, or move it to the end"))
            }
        }
    }

    /// Fields up to the closing brace, which `open` opened, or to the end of the file.
    fn fields(&mut self, open: Option<&Cursor<'a>>) -> Result<Fields, Problem> {
        let mut fields = Fields::default();
        loop {
            self.cursor.skip();
            match (self.cursor.peek(), open) {
                (None, None) => return Ok(fields),
                (None, Some(open)) => return Err(self.unclosed(open)),
                (Some('}'), Some(open)) => {
                    if self.cursor.indent().is_some_and(|indent| indent < open.line_indent()) {
                        self.astray.get_or_insert(open.line());
                    }
                    self.cursor.bump();
                    return Ok(fields);
                }
                (Some('}'), None) => {
                    return Err(self
                        .cursor
                        .error("a closing brace that nothing opened; remove it, or add the missing {"));
                }
                (Some(','), _) => {
                    return Err(self.cursor.error("a comma without anything before it; remove it"));
                }
                (Some(_), _) => self.field(&mut fields)?,
            }
            let line_ended = self.cursor.skip();
            match self.cursor.peek() {
                Some(',') => {
                    self.cursor.bump();
                }
                None | Some('}') => {}
                Some(_) if line_ended => {}
                Some(c) => return Err(self.unexpected(c, "the end of the line or a comma")),
            }
        }
    }

    fn field(&mut self, fields: &mut Fields) -> Result<(), Problem> {
        if let Some(include) = self.include()? {
            let more = self.loader.include(include, self.path.clone(), self.depth)?;
            fields.absorb(more);
            return Ok(());
        }
        let origin = self.cursor.origin();
        let path = self.key()?;
        self.enter(path.len(), &origin)?;
        self.path.extend(path.iter().cloned());
        let node = self.assignment(&path, origin)?;
        self.path.truncate(self.path.len() - path.len());
        self.depth -= path.len();
        fields.define_path(&path, node, self.loader.numbers());
        Ok(())
    }

    /// `= value`, `: value`, `+= element`, or an object right after the key.
    fn assignment(&mut self, path: &[String], origin: Origin) -> Result<RawNode, Problem> {
        let line = self.cursor.line();
        self.cursor.skip();
        let append = match self.cursor.peek() {
            Some('{') => false,
            Some('=' | ':') => {
                self.cursor.bump();
                false
            }
            Some('+') if self.cursor.eat("+=") => true,
            Some(c) if self.cursor.line() == line && is_special(c) && !matches!(c, '}' | ',' | ']') => {
                return Err(self.unexpected(c, "= and a value").key(self.key_here()));
            }
            _ if path[0].starts_with("include") && path[0][7..].starts_with([' ', '(', '\'']) => {
                return Err(Problem::error(INCLUDE).at(origin));
            }
            _ => {
                // Without the key: it may be the rest of a secret with a comma or a blank in it.
                let problem = Problem::error(
                    "this key has no value; write `key = value`, quote a value that has blanks or commas",
                );
                return Err(problem.at(origin));
            }
        };
        let line_ended = self.cursor.skip();
        if line_ended && self.at_other_key() {
            let key = self.key_here();
            let name = path.last().map_or("", String::as_str);
            let text = format!(
                "the value is missing, the next line has a key of its own; write the value, or a section as {name} {{ … }} (this \
                 is HOCON, not YAML)"
            );
            return Err(Problem::error(text).at(origin).key(key));
        }
        let depth = self.path.len();
        let node = self.value().map_err(|problem| {
            // What is within may be no key, but the rest of a secret.
            self.path.truncate(depth);
            named(problem, self.key_here())
        })?;
        let Some(node) = node else {
            let problem = Problem::error("the value is missing; write it after the =, or remove the key");
            return Err(problem.at(origin).key(self.key_here()));
        };
        match append {
            true => Ok(RawNode { origin: node.origin.clone(), raw: Raw::Append(Box::new(node)) }),
            false => Ok(node),
        }
    }

    /// The whole path of the value being read.
    fn key_here(&self) -> String {
        shown_path(&self.path)
    }

    /// `name:` or `name =` without quotes, where a value should stand.
    fn at_other_key(&self) -> bool {
        let line = self.cursor.rest_of_line();
        let end = line.find(|c: char| is_special(c) || c == '\r').unwrap_or(line.len());
        let name = line[..end].trim_end();
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        is_name && !name.is_empty() && line[end..].starts_with([':', '='])
    }

    fn unclosed(&self, open: &Cursor<'a>) -> Problem {
        let line = open.rest_of_line();
        let advice = match self.astray {
            Some(line) => {
                format!("; going by the indentation, it is missing for the section that begins on line {line}")
            }
            None if line.contains('#') => {
                "; what comes after a # is a comment, unless it is in double quotes".to_owned()
            }
            None => String::new(),
        };
        open.error(format!("this brace is never closed; add the missing }}{advice}"))
    }

    /// A path expression: elements with dots between, quoted or not.
    fn key(&mut self) -> Result<Vec<String>, Problem> {
        let start = self.cursor.clone();
        let mut path = vec![String::new()];
        // What is in quotes counts even if it is empty, and its blanks are not trimmed.
        let mut quoted = false;
        let finish = |element: &mut String, quoted: bool, start: &Cursor<'a>| -> Result<(), Problem> {
            if !quoted {
                *element = element.trim().to_owned();
                if element.is_empty() {
                    return Err(
                        start.error("a key is missing here, or an element of its path is empty; write `a.b = value`")
                    );
                }
            }
            Ok(())
        };
        loop {
            let last = path.last_mut().expect("path starts with one element and only grows");
            match self.cursor.peek() {
                Some('"') => {
                    last.push_str(&self.cursor.quoted()?);
                    quoted = true;
                }
                Some('.') => {
                    self.cursor.bump();
                    finish(last, quoted, &start)?;
                    path.push(String::new());
                    quoted = false;
                }
                Some('\n') | None => break,
                Some(_) if self.cursor.at_comment() => break,
                Some(c) if is_special(c) => break,
                Some(_) => {
                    let blanks = self.cursor.blanks();
                    let goes_on = self.cursor.peek().is_some_and(|c| c == '"' || (!is_special(c) && c != '\n'));
                    if !quoted || (goes_on && !self.cursor.at_comment()) {
                        last.push_str(blanks);
                    }
                    last.push_str(self.cursor.unquoted(true)?);
                }
            }
        }
        if let ([only], Some(c)) = (path.as_slice(), self.cursor.peek())
            && only.trim().is_empty()
            && !quoted
            && !matches!(c, ':' | '=')
        {
            return Err(self.unexpected(c, "a key"));
        }
        finish(path.last_mut().expect("path starts with one element and only grows"), quoted, &start)?;
        if path.len() > limits::DEPTH {
            return Err(start.error(format!("a path of more than {} elements; shorten it", limits::DEPTH)));
        }
        Ok(path)
    }

    /// A value: parts beside each other on one line. None: there is none.
    fn value(&mut self) -> Result<Option<RawNode>, Problem> {
        let origin = self.cursor.origin();
        let mut parts: Vec<RawNode> = Vec::new();
        loop {
            let before = self.cursor.origin();
            let blanks = self.cursor.blanks();
            if parts.len() > 1 && matches!(self.cursor.peek(), Some(':' | '=')) {
                return Err(self.cursor.error(format!(
                    "found {:?} after several words; write a comma or a line end before a key, and a value with this \
                     character in double quotes",
                    self.cursor.peek().unwrap_or_default()
                )));
            }
            let Some(part) = self.part()? else { break };
            if !blanks.is_empty() && !parts.is_empty() {
                parts.push(RawNode { raw: Raw::Blank(blanks.to_owned()), origin: before });
            }
            parts.push(part);
        }
        Ok(match parts.len() {
            0 => None,
            1 => parts.pop(),
            _ => Some(join(parts, origin)),
        })
    }

    fn part(&mut self) -> Result<Option<RawNode>, Problem> {
        let origin = self.cursor.origin();
        let raw = match self.cursor.peek() {
            None | Some('\n' | ',' | '}' | ']') => return Ok(None),
            Some(_) if self.cursor.at_comment() => return Ok(None),
            Some('"') => Raw::Text { text: self.cursor.quoted()?, quoted: true },
            Some('$') => self.substitution()?,
            Some('{') => {
                let open = self.cursor.clone();
                self.cursor.bump();
                self.enter(1, &origin)?;
                let fields = self.fields(Some(&open))?;
                self.depth -= 1;
                Raw::Object(fields)
            }
            Some('[') => {
                self.enter(1, &origin)?;
                let elements = self.list()?;
                self.depth -= 1;
                Raw::List(elements)
            }
            Some(c) if is_special(c) => return Err(self.unexpected(c, "a value")),
            Some(_) => match self.cursor.unquoted(false)? {
                "null" => Raw::Null,
                text if self.cursor.at_comment() => {
                    let problem = Problem::warning(
                        "the value ends where the comment begins, in the middle of a word; put it in double quotes if that \
                         is no comment",
                    );
                    self.loader.warn(problem.at(self.cursor.origin()).key(self.key_here()));
                    Raw::Text { text: text.to_owned(), quoted: false }
                }
                text => Raw::Text { text: text.to_owned(), quoted: false },
            },
        };
        Ok(Some(RawNode { raw, origin }))
    }

    fn list(&mut self) -> Result<Vec<RawNode>, Problem> {
        let open = self.cursor.clone();
        self.cursor.bump();
        let mut elements = Vec::new();
        loop {
            self.cursor.skip();
            match self.cursor.peek() {
                None => return Err(open.error("this bracket is never closed; add the missing ]")),
                Some(']') => {
                    self.cursor.bump();
                    return Ok(elements);
                }
                Some(',') => return Err(self.cursor.error("a comma without an element before it; remove it")),
                Some(c) => match self.value()? {
                    Some(element) => elements.push(element),
                    None => return Err(self.unexpected(c, "an element or ]")),
                },
            }
            let line_ended = self.cursor.skip();
            match self.cursor.peek() {
                Some(',') => {
                    self.cursor.bump();
                }
                None | Some(']') => {}
                Some(_) if line_ended => {}
                Some(c) => return Err(self.unexpected(c, "a comma or ]")),
            }
        }
    }

    /// `${path}` or `${?path}`
    fn substitution(&mut self) -> Result<Raw, Problem> {
        let start = self.cursor.clone();
        if !self.cursor.eat("${") {
            return Err(
                start.error("a $ outside quotes must begin a substitution ${name}; put the value in double quotes")
            );
        }
        let optional = self.cursor.eat("?");
        self.cursor.blanks();
        let path = self.key()?;
        if self.cursor.starts_with(":-") {
            return Err(start.error(
                "there are no defaults within ${…}; write `key = default` on one line and `key = ${?NAME}` on the next",
            ));
        }
        if !self.cursor.eat("}") {
            return Err(start.error("this substitution is not closed; write ${name} or ${?name} on one line"));
        }
        let below = self.path[..self.included_at].to_vec();
        Ok(Raw::Substitution(Substitution { path, optional, below }))
    }

    /// An include statement, if one stands here. A key that is only called `include` is left alone.
    fn include(&mut self) -> Result<Option<Include>, Problem> {
        if !self.cursor.starts_with("include") {
            return Ok(None);
        }
        let start = self.cursor.clone();
        let mut ahead = self.cursor.clone();
        ahead.eat("include");
        let blank = !ahead.blanks().is_empty();
        if !(ahead.starts_with("\"") || blank && starts_a_function(&ahead)) {
            return Ok(None);
        }
        self.cursor = ahead;
        let required = self.cursor.eat("required(");
        if required {
            self.cursor.blanks();
        }
        let kind = match () {
            () if self.cursor.eat("file(") => IncludeKind::File,
            () if self.cursor.eat("url(") => IncludeKind::Elsewhere,
            () if self.cursor.eat("classpath(") => IncludeKind::Elsewhere,
            () => IncludeKind::Beside,
        };
        self.cursor.blanks();
        let wrong = || start.error(INCLUDE);
        if self.cursor.peek() != Some('"') {
            return Err(wrong());
        }
        let name = self.cursor.quoted()?;
        for _ in 0..usize::from(required) + usize::from(kind != IncludeKind::Beside) {
            self.cursor.blanks();
            if !self.cursor.eat(")") {
                return Err(wrong());
            }
        }
        Ok(Some(Include { name, kind, required, origin: start.origin() }))
    }

    /// `[a.b]` alone on its line
    fn at_toml_section(&self) -> bool {
        let line = self.cursor.rest().lines().next().unwrap_or_default();
        let line = line.split('#').next().unwrap_or_default().trim_end();
        let name = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let begins = |name: &str| name.trim_start().starts_with(|c: char| c.is_ascii_alphabetic());
        name.is_some_and(|name| begins(name) && !name.contains(['[', ']', ',']))
    }

    fn enter(&mut self, levels: usize, origin: &Origin) -> Result<(), Problem> {
        self.depth += levels;
        if self.depth > limits::DEPTH {
            let text = format!("more than {} levels within each other; is a brace missing further up?", limits::DEPTH);
            return Err(Problem::error(text).at(origin.clone()));
        }
        Ok(())
    }

    /// Says what stands here, and for the characters that people forget to quote, that.
    fn unexpected(&self, c: char, expected: &str) -> Problem {
        let advice = match c {
            '[' => "a [section] is TOML: name the file .toml, or write section { … }",
            '@' => "an address with @ must be in double quotes",
            ':' => "a value with : must be in double quotes",
            '=' => "is the value of the line above missing? A value with = must be in double quotes",
            '\\' | '`' | '^' | '?' | '!' | '*' | '&' | '+' | '$' => {
                "a value with this character must be in double quotes"
            }
            '"' => "a double quote inside a value must be written \\\" and the value be in double quotes",
            ']' | '}' => "remove it, or add what opens it",
            _ => "put one of them between, or the value in double quotes",
        };
        self.cursor.error(format!("found {c:?} where {expected} was expected; {advice}"))
    }
}

const INCLUDE: &str = "an include must name one file in double quotes; write include \"name.conf\"";

/// The innermost key is the one to name.
fn named(problem: Problem, key: String) -> Problem {
    match problem.key {
        Some(_) => problem,
        None => problem.key(key),
    }
}

fn starts_a_function(cursor: &Cursor<'_>) -> bool {
    ["required(", "file(", "url(", "classpath("].iter().any(|name| cursor.starts_with(name))
}

/// Texts beside each other are known now; anything with a substitution or braces waits until it is resolved.
fn join(parts: Vec<RawNode>, origin: Origin) -> RawNode {
    let mut text = String::new();
    let mut any_quoted = false;
    for part in &parts {
        match &part.raw {
            Raw::Text { text: more, quoted } => {
                text.push_str(more);
                any_quoted |= quoted;
            }
            Raw::Blank(blanks) => text.push_str(blanks),
            Raw::Null => text.push_str("null"),
            _ => return RawNode { raw: Raw::Join(parts), origin },
        }
    }
    RawNode { raw: Raw::Text { text, quoted: any_quoted }, origin }
}

/// A file in Java's properties syntax as definitions, and what of it is none. `lossy`: it was not UTF-8.
pub(super) fn from_properties(
    entries: Vec<Property>,
    file: &std::sync::Arc<str>,
    lossy: bool,
    numbers: &mut u32,
) -> (Fields, Vec<Problem>) {
    let (mut fields, mut problems) = (Fields::default(), Vec::new());
    for entry in entries {
        let origin = entry.origin(file);
        if entry.value == "{" && problems.is_empty() {
            let text = "this looks like HOCON, whose files are named .conf; rename it";
            problems.push(Problem::warning(text).at(origin.clone()));
        }
        let path = super::split_path(&entry.name);
        if path.len() > limits::DEPTH || path.iter().any(String::is_empty) {
            let text = "an element of this name is empty, or it has too many; write `a.b = value`";
            problems.push(Problem::warning(text).at(origin).key(entry.name));
            continue;
        }
        if lossy && [&entry.name, &entry.value].iter().any(|text| text.contains(char::REPLACEMENT_CHARACTER)) {
            let text = "this is not UTF-8; save the file as UTF-8, or write such characters as \\u00e9";
            problems.push(Problem::error(text).at(origin).key(entry.name));
            continue;
        }
        let node = RawNode { raw: Raw::Text { text: entry.value, quoted: true }, origin };
        fields.define_path(&path, node, numbers);
    }
    problems.truncate(limits::PROBLEMS);
    (fields, problems)
}
