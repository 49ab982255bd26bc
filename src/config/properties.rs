//! Java's properties syntax, as `sip-communicator.properties` has it (spec/70 §6).

/// One entry, with the line on which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    pub name: String,
    pub value: String,
    pub line: u32,
}

/// All entries in order; nothing is an error (later ones win). Values are trimmed.
pub fn parse(text: &str) -> Vec<Property> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    logical_lines(text).into_iter().filter_map(|(line, text)| entry(line, &text)).collect()
}

/// Lines with their continuations, without comments and empty ones.
fn logical_lines(text: &str) -> Vec<(u32, String)> {
    let mut lines = Vec::new();
    let mut open: Option<(u32, String)> = None;
    for (number, line) in (1u32..).zip(text.lines()) {
        let line = line.trim_start_matches([' ', '\t', '\u{c}']);
        if open.is_none() && (line.is_empty() || line.starts_with(['#', '!'])) {
            continue;
        }
        let (start, mut joined) = open.take().unwrap_or((number, String::new()));
        let continues = line.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1;
        if continues {
            joined.push_str(&line[..line.len() - 1]);
            open = Some((start, joined));
        } else {
            joined.push_str(line);
            lines.push((start, joined));
        }
    }
    lines.extend(open);
    lines
}

fn entry(line: u32, text: &str) -> Option<Property> {
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
    let blank = [' ', '\t', '\u{c}'];
    let rest = rest.trim_start_matches(blank);
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    let name = unescape(name);
    (!name.is_empty()).then(|| Property { name, value: unescape(value.trim()).trim().to_owned(), line })
}

/// `\t \n \r \f \uXXXX`, and a backslash before anything else means that character.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut units: Vec<u16> = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            flush(&mut out, &mut units);
            out.push(c);
            continue;
        }
        let escape = rest.next();
        if escape == Some('u') {
            let ahead: String = rest.clone().take(4).collect();
            if ahead.len() == 4
                && let Ok(unit) = u16::from_str_radix(&ahead, 16)
            {
                units.push(unit);
                rest.nth(3);
                continue;
            }
        }
        flush(&mut out, &mut units);
        out.extend(escape.map(|c| match c {
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'f' => '\u{c}',
            c => c,
        }));
    }
    flush(&mut out, &mut units);
    out
}

/// Escapes are UTF-16: two of them may be one character.
fn flush(out: &mut String, units: &mut Vec<u16>) {
    out.extend(char::decode_utf16(units.drain(..)).map(|c| c.unwrap_or('\u{fffd}')));
}
