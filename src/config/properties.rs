//! Java's properties syntax, as `sip-communicator.properties` has it (spec/70 §6).

use super::hocon::limits;
use super::problem::{Origin, Problem};

/// One entry. Line and column, both from 1, are those of its value; without one, of its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    pub name: String,
    pub value: String,
    pub line: u32,
    pub column: u32,
}

/// What is no entry, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The entry's name, if that is not what is wrong.
    name: Option<String>,
    line: u32,
    column: u32,
    text: String,
}

impl Property {
    pub fn origin(&self, file: &str) -> Origin {
        Origin::file(&file.into(), self.line, self.column)
    }
}

impl Mistake {
    pub fn error(self, file: &str) -> Problem {
        let origin = Origin::file(&file.into(), self.line, self.column);
        let problem = Problem::error(self.text).at(origin);
        match self.name {
            Some(name) => problem.key(name),
            None => problem,
        }
    }
}

#[derive(Debug, Default)]
pub struct Parsed {
    /// In order; later ones win. Values are trimmed.
    pub entries: Vec<Property>,
    pub mistakes: Vec<Mistake>,
}

pub fn parse(text: &str) -> Parsed {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parsed = Parsed::default();
    for line in logical_lines(text) {
        match line.entry() {
            Ok(Some(property)) => parsed.entries.push(property),
            Ok(None) => {}
            Err(mistake) if parsed.mistakes.len() < limits::PROBLEMS => parsed.mistakes.push(mistake),
            Err(_) => {}
        }
    }
    parsed
}

const BLANK: [char; 3] = [' ', '\t', '\u{c}'];

/// A line with its continuations, and where each of them begins.
#[derive(Default)]
struct Logical {
    text: String,
    /// From which byte of the text, and line and column there.
    parts: Vec<(usize, u32, u32)>,
}

/// Lines without comments and empty ones.
fn logical_lines(text: &str) -> Vec<Logical> {
    let mut lines = Vec::new();
    let mut open: Option<Logical> = None;
    // Each of the three ends a line for Java.
    let physical = text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'));
    for (number, line) in (1..).zip(physical) {
        let start = line.trim_start_matches(BLANK);
        if open.is_none() && (start.is_empty() || start.starts_with(['#', '!'])) {
            continue;
        }
        let column = line.chars().count() - start.chars().count() + 1;
        let mut logical = open.take().unwrap_or_default();
        // A file of 4 MiB has no longer lines.
        logical.parts.push((logical.text.len(), number, u32::try_from(column).unwrap_or(0)));
        let continues = start.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1;
        logical.text.push_str(if continues { &start[..start.len() - 1] } else { start });
        if continues {
            open = Some(logical);
        } else {
            lines.push(logical);
        }
    }
    lines.extend(open);
    lines
}

impl Logical {
    /// Line and column of a byte of the text.
    fn place(&self, at: usize) -> (u32, u32) {
        let part = self.parts.iter().rev().find(|(start, ..)| *start <= at);
        let (start, line, column) = part.copied().unwrap_or((0, 0, 0));
        let before = self.text.get(start..at).map_or(0, |text| text.chars().count());
        (line, column + u32::try_from(before).unwrap_or(0))
    }

    fn entry(&self) -> Result<Option<Property>, Mistake> {
        let text = self.text.as_str();
        let mut end = text.len();
        let mut escaped = false;
        for (at, c) in text.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '=' | ':' | ' ' | '\t' | '\u{c}' => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        let (name, rest) = text.split_at(end);
        let rest = rest.trim_start_matches(BLANK);
        let value = rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start();
        let start = text.len() - value.len();
        let name = self.unescape(0, name, None)?;
        if name.is_empty() {
            return Ok(None);
        }
        let value = self.unescape(start, value.trim_end(), Some(&name))?.trim().to_owned();
        let (line, column) = self.place(start);
        Ok(Some(Property { name, value, line, column }))
    }

    /// `\t \n \r \f \uXXXX`, and a backslash before anything else means that character. `text` begins at the byte `start`.
    fn unescape(&self, start: usize, text: &str, name: Option<&str>) -> Result<String, Mistake> {
        let mistake = |at: usize, text: String| {
            let (line, column) = self.place(start + at);
            Mistake { name: name.map(str::to_owned), line, column, text }
        };
        let control = |at: usize, c: char| {
            let code = u32::from(c);
            mistake(at, format!("a control character (U+{code:04X}) has no place here; remove it"))
        };
        let is_out_of_place = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}' | '\u{80}'..);
        let mut out = String::with_capacity(text.len());
        let mut units: Vec<u16> = Vec::new();
        let mut rest = text.char_indices();
        while let Some((at, c)) = rest.next() {
            if c != '\\' {
                flush(&mut out, &mut units);
                if is_out_of_place(c) {
                    return Err(control(at, c));
                }
                out.push(c);
                continue;
            }
            let escape = rest.next().map(|(_, c)| c);
            if escape == Some('u') {
                // As Java does: a file with a broken one is not read.
                let digits = rest.as_str().get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
                let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok()).ok_or_else(|| {
                    let text = "\\u must be followed by four hexadecimal digits; write a backslash itself as \\\\";
                    mistake(at, text.to_owned())
                })?;
                if let Some(c) = char::from_u32(unit.into()).filter(|c| is_out_of_place(*c)) {
                    return Err(control(at, c));
                }
                units.push(unit);
                rest.nth(3);
                continue;
            }
            flush(&mut out, &mut units);
            if let Some(c) = escape.filter(|c| is_out_of_place(*c)) {
                return Err(control(at, c));
            }
            out.extend(escape.map(|c| match c {
                't' => '\t',
                'n' => '\n',
                'r' => '\r',
                'f' => '\u{c}',
                c => c,
            }));
        }
        flush(&mut out, &mut units);
        Ok(out)
    }
}

/// Escapes are UTF-16: two of them may be one character.
fn flush(out: &mut String, units: &mut Vec<u16>) {
    out.extend(char::decode_utf16(units.drain(..)).map(|c| c.unwrap_or('\u{fffd}')));
}
