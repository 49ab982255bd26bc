//! `jicofo.toml`: the same tree as the HOCON file, for those who start fresh. Strings are literal: no substitutions, no
//! includes. The crate `toml` reads it; its spans become lines and columns.

use std::sync::Arc;

use indexmap::IndexMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::hocon::{Node, Value};
use super::problem::{Origin, Problem};

/// The root object, or what keeps the file from being one.
pub(super) fn read(name: &Arc<str>, bytes: &[u8]) -> Result<Node, Problem> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => {
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let origin = Lines::new(name, &before).origin(before.len());
            return Err(Problem::error("this is not UTF-8, as TOML must be; save the file as UTF-8").at(origin));
        }
    };
    let lines = Lines::new(name, text);
    match DeTable::parse(text) {
        Ok(root) => Ok(lines.object(root.get_ref(), 0)),
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            // The crate's messages may go over several lines.
            let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
            let named =
                error.span().and_then(|span| text.get(span)).filter(|name| !name.is_empty() && !name.contains('\n'));
            let duplicate = message.starts_with("duplicate key");
            let message = match named.filter(|_| duplicate) {
                Some(name) => format!("{message} {}", name.trim()),
                None => message,
            };
            let advice = match looks_like_hocon(text) {
                true => "it looks like HOCON, whose files are named .conf; rename it",
                false if duplicate => "remove one of the two, or join the sections",
                false => "correct it",
            };
            Err(Problem::error(format!("this is not TOML: {message}; {advice}")).at(lines.origin(at)))
        }
    }
}

/// Braces after a name, JSON, includes: what people move from a file of the other kind.
fn looks_like_hocon(text: &str) -> bool {
    let section = |line: &str| {
        let name = line.trim_end().strip_suffix('{').map(|name| name.trim_end_matches([' ', '\t', ':', '=']));
        name.is_some_and(|name| !name.contains(['=', '#', '[']))
    };
    let line = |line: &str| line.starts_with("include \"") || line.starts_with("//") || section(line);
    text.trim_start().starts_with('{') || text.lines().any(|text| line(text.trim_start()))
}

/// Where lines begin, so that a place is found without reading the file again.
struct Lines<'t> {
    name: Arc<str>,
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn new(name: &Arc<str>, text: &'t str) -> Lines<'t> {
        let starts = [0].into_iter().chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
        Lines { name: Arc::clone(name), text, starts }
    }

    fn origin(&self, at: usize) -> Origin {
        // Counting characters on endless lines would make a large file on one line take for ever.
        const LONGEST: usize = 4096;
        let line = self.starts.partition_point(|start| *start <= at);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let column = match self.text.get(start..at) {
            Some(before) if before.len() <= LONGEST => before.chars().count() + 1,
            _ => 0,
        };
        // A file of 4 MiB has neither more lines nor longer ones.
        Origin::file(&self.name, u32::try_from(line).unwrap_or(0), u32::try_from(column).unwrap_or(0))
    }

    fn object(&self, table: &DeTable<'_>, at: usize) -> Node {
        // As written, not by name: problems are told in that order.
        let mut fields: Vec<_> = table.iter().collect();
        fields.sort_by_key(|(name, _)| name.span().start);
        let object: IndexMap<String, Node> =
            fields.into_iter().map(|(name, value)| (name.get_ref().to_string(), self.node(value))).collect();
        Node::new(Value::Object(object), self.origin(at))
    }

    /// Depth is bounded by the crate's parser.
    fn node(&self, value: &Spanned<DeValue<'_>>) -> Node {
        let at = value.span().start;
        let scalar = |text: String| Value::Text { text, quoted: false };
        let read = match value.get_ref() {
            DeValue::String(text) => Value::text(text.to_string()),
            DeValue::Integer(number) => scalar(match i128::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => number.to_string(),
                Err(_) => number.as_str().to_owned(),
            }),
            DeValue::Float(number) => scalar(number.as_str().to_owned()),
            DeValue::Boolean(value) => scalar(value.to_string()),
            DeValue::Datetime(time) => scalar(time.to_string()),
            DeValue::Array(elements) => Value::List(elements.iter().map(|element| self.node(element)).collect()),
            DeValue::Table(table) => return self.object(table, at),
        };
        Node::new(read, self.origin(at))
    }
}
