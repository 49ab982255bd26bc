//! The text of one file, read character by character with its position.

use std::sync::Arc;

use crate::config::problem::{Origin, Problem};

/// Stands for bytes that are no UTF-8 (the decoder put it there).
const REPLACEMENT: char = '\u{fffd}';

#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    file: &'a Arc<str>,
    text: &'a str,
    at: usize,
    line: u32,
    column: u32,
    /// The file was not UTF-8: a replacement character in a key or a value is an error, in a comment it is not.
    lossy: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(file: &'a Arc<str>, text: &'a str, lossy: bool) -> Cursor<'a> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Cursor { file, text, at: 0, line: 1, column: 1, lossy }
    }

    pub(super) fn origin(&self) -> Origin {
        Origin::file(self.file, self.line, self.column)
    }

    pub(super) fn line(&self) -> u32 {
        self.line
    }

    pub(super) fn error(&self, text: impl Into<String>) -> Problem {
        Problem::error(text).at(self.origin())
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn starts_with(&self, text: &str) -> bool {
        self.rest().starts_with(text)
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        if c == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(c)
    }

    /// Passes over `text` if it comes next.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let here = self.starts_with(text);
        if here {
            for _ in text.chars() {
                self.bump();
            }
        }
        here
    }

    /// Blanks at the beginning of this line. None: something else stands before the cursor on it, or very many do.
    pub(super) fn indent(&self) -> Option<usize> {
        let before = self.before();
        before.chars().all(is_blank).then_some(before.len())
    }

    /// Blanks at the beginning of the line, whatever comes after them.
    pub(super) fn line_indent(&self) -> usize {
        let before = self.before();
        before.len() - before.trim_start_matches(is_blank).len()
    }

    /// What stands before the cursor on its line; of an endless line, the last part.
    fn before(&self) -> &'a str {
        const LONGEST: usize = 400;
        let first = self.at.saturating_sub(LONGEST);
        let start = (first..self.at).find(|at| self.text.is_char_boundary(*at)).unwrap_or(self.at);
        self.text[start..self.at].rsplit('\n').next().unwrap_or_default()
    }

    /// From the cursor to the end of the line.
    pub(super) fn rest_of_line(&self) -> &'a str {
        self.rest().split('\n').next().unwrap_or_default()
    }

    pub(super) fn at_comment(&self) -> bool {
        self.starts_with("#") || self.starts_with("//")
    }

    /// Blanks up to the end of the line, which are returned because between the parts of a value they count.
    pub(super) fn blanks(&mut self) -> &'a str {
        let start = self.at;
        while self.peek().is_some_and(is_blank) {
            self.bump();
        }
        &self.text[start..self.at]
    }

    /// Blanks, comments and line ends; was there a line end?
    pub(super) fn skip(&mut self) -> bool {
        let mut line_ended = false;
        loop {
            self.blanks();
            if self.at_comment() {
                while self.peek().is_some_and(|c| c != '\n') {
                    self.bump();
                }
            }
            if self.peek() != Some('\n') {
                return line_ended;
            }
            self.bump();
            line_ended = true;
        }
    }

    /// Text without quotes, up to the first character that cannot be part of it.
    pub(super) fn unquoted(&mut self, stop_at_dot: bool) -> Result<&'a str, Problem> {
        let start = self.at;
        while let Some(c) = self.peek() {
            if c == '\n' || is_blank(c) || is_special(c) || self.at_comment() || (stop_at_dot && c == '.') {
                break;
            }
            self.check(c)?;
            self.bump();
        }
        Ok(&self.text[start..self.at])
    }

    /// A string in quotes, single or triple; the cursor stands at its first quote.
    pub(super) fn quoted(&mut self) -> Result<String, Problem> {
        if self.starts_with("\"\"\"") {
            return self.triple_quoted();
        }
        let open = self.clone();
        self.bump();
        let mut text = String::new();
        loop {
            match self.peek() {
                None | Some('\n') => {
                    return Err(open.error(
                        "this quote is not closed on its line; close it, and write a quote inside as \\\" and a backslash \
                         as \\\\",
                    ));
                }
                Some('"') => {
                    self.bump();
                    return Ok(text);
                }
                Some('\\') => text.push(self.escape()?),
                Some(c) => {
                    self.check(c)?;
                    text.push(c);
                    self.bump();
                }
            }
        }
    }

    fn triple_quoted(&mut self) -> Result<String, Problem> {
        let open = self.clone();
        self.eat("\"\"\"");
        let start = self.at;
        while !self.starts_with("\"\"\"") {
            let Some(c) = self.peek() else {
                return Err(open.error("these three quotes are never closed; close them with three quotes"));
            };
            self.check(c)?;
            self.bump();
        }
        // More than three quotes: the last three close, the others belong to the text.
        while self.starts_with("\"\"\"\"") {
            self.bump();
        }
        let text = self.text[start..self.at].to_owned();
        self.eat("\"\"\"");
        Ok(text)
    }

    fn escape(&mut self) -> Result<char, Problem> {
        let start = self.clone();
        self.bump();
        let c = match self.bump() {
            Some('"') => '"',
            Some('\\') => '\\',
            Some('/') => '/',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => return self.unicode_escape(&start),
            _ => {
                return Err(start.error(
                    "a backslash inside quotes must be followed by one of \" \\ / b f n r t u; write a backslash itself \
                     as \\\\",
                ));
            }
        };
        Ok(c)
    }

    /// After `\u`: four digits, or two such escapes for a character beyond the 16 bits.
    fn unicode_escape(&mut self, start: &Cursor<'a>) -> Result<char, Problem> {
        let wrong = || start.error("\\u must be followed by four hexadecimal digits of a character");
        let unit = self.hex4().ok_or_else(wrong)?;
        let code = match unit {
            0xd800..=0xdbff => {
                let low = if self.eat("\\u") { self.hex4() } else { None };
                let low = low.filter(|low| (0xdc00..=0xdfff).contains(low)).ok_or_else(wrong)?;
                0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
            }
            unit => unit,
        };
        char::from_u32(code).ok_or_else(wrong)
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4)?;
        let unit = digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())??;
        self.eat(digits);
        Some(unit)
    }

    /// Refuses what no key or value holds.
    pub(super) fn check(&self, c: char) -> Result<(), Problem> {
        if c == REPLACEMENT && self.lossy {
            return Err(self.error("this character is not UTF-8; save the file as UTF-8"));
        }
        if c.is_control() && !matches!(c, '\t' | '\n' | '\r') {
            let code = u32::from(c);
            return Err(self.error(format!("a control character (U+{code:04X}) has no place here; remove it")));
        }
        Ok(())
    }
}

/// HOCON's blanks: Unicode's, and a byte order mark. Carriage returns are blanks, so CRLF files read like others.
fn is_blank(c: char) -> bool {
    (c.is_whitespace() && c != '\n') || matches!(c, '\u{feff}' | '\u{1c}'..='\u{1f}')
}

/// Ends text without quotes. `/` does so only before another one.
pub(super) fn is_special(c: char) -> bool {
    matches!(
        c,
        '$' | '"'
            | '{'
            | '}'
            | '['
            | ']'
            | ':'
            | '='
            | ','
            | '+'
            | '#'
            | '`'
            | '^'
            | '?'
            | '!'
            | '@'
            | '*'
            | '&'
            | '\\'
    )
}
