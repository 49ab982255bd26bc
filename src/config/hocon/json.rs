//! Files named `*.json`: JSON and no more, as the library of the original reads them (spec/70 §1). What HOCON would join, pass
//! over or take for text without quotes is a slip here; to read on would be to change a value without a word.

use super::cursor::Cursor;
use super::raw::{Fields, Raw, RawNode};
use super::{limits, shown_path};
use crate::config::problem::Problem;

pub(super) struct Json<'a, 'n> {
    cursor: Cursor<'a>,
    /// Gives each definition its number.
    numbers: &'n mut u32,
    /// The keys above the value being read.
    path: Vec<String>,
    depth: usize,
}

impl<'a, 'n> Json<'a, 'n> {
    /// `path`: the object into which the file is included; `depth`: how deep that is.
    pub(super) fn new(cursor: Cursor<'a>, numbers: &'n mut u32, path: Vec<String>, depth: usize) -> Json<'a, 'n> {
        Json { cursor, numbers, path, depth }
    }

    /// The whole file: one object.
    pub(super) fn file(mut self) -> Result<Fields, Problem> {
        self.skip();
        let fields = match self.cursor.peek() {
            Some('{') => self.object()?,
            Some('[') => {
                return Err(self.cursor.error("the file is a list; a configuration must be an object, `{ … }`"));
            }
            Some(c) => return Err(self.unexpected(c, "an object, `{ … }`,")),
            None => return Err(self.cursor.error("the file is empty; write {} if it shall say nothing")),
        };
        self.skip();
        match self.cursor.peek() {
            None => Ok(fields),
            Some('}') => Err(self.cursor.error("a closing brace that nothing opened; remove it")),
            Some(c) => Err(self.unexpected(c, "the end of the file")),
        }
    }

    /// The cursor stands at the opening brace.
    fn object(&mut self) -> Result<Fields, Problem> {
        let open = self.cursor.clone();
        self.enter()?;
        self.cursor.bump();
        let mut fields = Fields::default();
        loop {
            self.skip();
            match self.cursor.peek() {
                Some('"') => self.member(&mut fields)?,
                Some('}') if fields.slots.is_empty() => {}
                Some('}') => return Err(self.error("a comma with nothing after it; remove the comma")),
                Some(c) => return Err(self.unexpected(c, "a key in double quotes")),
                None => return Err(open.error("this brace is never closed; add the missing }")),
            }
            match self.cursor.peek() {
                Some('}') => {
                    self.cursor.bump();
                    self.depth -= 1;
                    return Ok(fields);
                }
                Some(_) => {
                    self.cursor.bump();
                }
                None => return Err(open.error("this brace is never closed; add the missing }")),
            }
        }
    }

    /// `"key": value`, up to the comma, the closing brace or the end of the file.
    fn member(&mut self, fields: &mut Fields) -> Result<(), Problem> {
        let start = self.cursor.clone();
        let key = self.string()?;
        self.skip();
        // Until its colon it may be no key, but the rest of a secret.
        match self.cursor.peek() {
            Some(':') => self.cursor.bump(),
            Some(c) => return Err(self.unexpected(c, "a colon after the key")),
            None => return Err(start.error("this key has no value; write `\"key\": value`")),
        };
        self.path.push(key);
        let node = self.value()?;
        self.end_of_part('}')?;
        let Some(key) = self.path.pop() else { return Ok(()) };
        if fields.slots.contains_key(&key) {
            let text = "this key is there twice in one object; remove one of the two";
            self.path.push(key);
            return Err(start.error(text).key(self.key_here()));
        }
        fields.define_path(&[key], node, self.numbers);
        Ok(())
    }

    fn list(&mut self) -> Result<Vec<RawNode>, Problem> {
        let open = self.cursor.clone();
        self.enter()?;
        self.cursor.bump();
        let mut elements = Vec::new();
        loop {
            self.skip();
            match self.cursor.peek() {
                Some(']') if elements.is_empty() => {}
                Some(']') => return Err(self.error("a comma with nothing after it; remove the comma")),
                None => return Err(open.error("this bracket is never closed; add the missing ]")),
                Some(_) => {
                    elements.push(self.value()?);
                    self.end_of_part(']')?;
                }
            }
            match self.cursor.bump() {
                Some(']') => {
                    self.depth -= 1;
                    return Ok(elements);
                }
                Some(_) => {}
                None => return Err(open.error("this bracket is never closed; add the missing ]")),
            }
        }
    }

    fn value(&mut self) -> Result<RawNode, Problem> {
        self.skip();
        let origin = self.cursor.origin();
        let raw = match self.cursor.peek() {
            None => return Err(self.error("the value is missing; write it after the colon")),
            Some('"') => Raw::Text { text: self.string()?, quoted: true },
            Some('{') => Raw::Object(self.object()?),
            Some('[') => Raw::List(self.list()?),
            Some(c) => self.word(c)?,
        };
        Ok(RawNode { raw, origin })
    }

    /// A number, `true`, `false` or `null`; `first` is its first character.
    fn word(&mut self, first: char) -> Result<Raw, Problem> {
        let rest = self.cursor.rest();
        let goes_on = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let word = &rest[..rest.find(|c| !goes_on(c)).unwrap_or(rest.len())];
        let raw = match serde_json::from_str(word) {
            Ok(serde_json::Value::Null) => Raw::Null,
            Ok(_) => Raw::Text { text: word.to_owned(), quoted: false },
            // Not what stands there: it may be a secret.
            Err(_) if !word.is_empty() => {
                return Err(self.error("neither a number nor true, false or null; put text in double quotes"));
            }
            Err(_) => return Err(self.unexpected(first, "a value")),
        };
        self.cursor.eat(word);
        Ok(raw)
    }

    /// A string; the cursor stands at its quote.
    fn string(&mut self) -> Result<String, Problem> {
        let start = self.cursor.clone();
        if start.starts_with("\"\"\"") {
            return Err(self.error("three quotes are HOCON; write one, and a quote inside as \\\""));
        }
        let text = self.cursor.quoted().map_err(|problem| self.of_here(problem))?;
        let written = &start.rest()[..start.rest().len() - self.cursor.rest().len()];
        match written.contains(['\t', '\r']) {
            true => Err(self.of_here(start.error("a tab or carriage return within quotes; write it as \\t or \\r"))),
            false => Ok(text),
        }
    }

    /// What comes after a member or an element: a comma, or what closes the whole, where the cursor then stands.
    fn end_of_part(&mut self, close: char) -> Result<(), Problem> {
        self.skip();
        match self.cursor.peek() {
            None | Some(',') => Ok(()),
            Some(c) if c == close => Ok(()),
            Some(c) => Err(self.unexpected(c, &format!("a comma or {close}"))),
        }
    }

    fn skip(&mut self) {
        while matches!(self.cursor.peek(), Some(' ' | '\t' | '\r' | '\n')) {
            self.cursor.bump();
        }
    }

    fn enter(&mut self) -> Result<(), Problem> {
        self.depth += 1;
        if self.depth > limits::DEPTH {
            let text = format!("more than {} levels within each other; is a brace missing further up?", limits::DEPTH);
            return Err(self.error(&text));
        }
        Ok(())
    }

    fn unexpected(&self, c: char, expected: &str) -> Problem {
        if let Err(problem) = self.cursor.check(c) {
            return self.of_here(problem);
        }
        let advice = match c {
            '#' | '/' => "JSON has no comments; remove it, or name the file .conf",
            '=' => "JSON has a colon between key and value",
            '\'' => "JSON knows double quotes only",
            '"' => "JSON joins nothing; write a quote inside a value as \\\", and a comma between two",
            ']' | '}' => "remove it, or add what is missing before it",
            _ => "the file is read as strict JSON; name it .conf if it is HOCON",
        };
        self.error(&format!("found {c:?} where {expected} was expected; {advice}"))
    }

    fn error(&self, text: &str) -> Problem {
        self.of_here(self.cursor.error(text))
    }

    fn of_here(&self, problem: Problem) -> Problem {
        if self.path.is_empty() { problem } else { problem.key(self.key_here()) }
    }

    /// The whole path of the value being read, shortened.
    fn key_here(&self) -> String {
        shown_path(&self.path)
    }
}
