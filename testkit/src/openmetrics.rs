//! A strict reader of metrics pages, OpenMetrics 1.0.0 and Prometheus' text format 0.0.4: what the formats forbid is a panic.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

/// A family of metrics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Family {
    pub kind: String,
    pub help: String,
    /// Each series by name and labels, as it stands there: `x_total{jvb="jvb1"}`.
    pub samples: BTreeMap<String, f64>,
}

/// A page, by the names of families.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub families: IndexMap<String, Family>,
}

impl Page {
    /// Reads OpenMetrics.
    ///
    /// # Panics
    /// At whatever the format forbids.
    pub fn open_metrics(text: &str) -> Page {
        let body = text.strip_suffix("# EOF\n").expect("`# EOF` at the end, and a line end after it");
        Page::read(body, true)
    }

    /// Reads the text format 0.0.4.
    ///
    /// # Panics
    /// At whatever the format forbids.
    pub fn prometheus(text: &str) -> Page {
        Page::read(text, false)
    }

    /// The value of a series, as it stands there.
    #[track_caller]
    pub fn value(&self, series: &str) -> f64 {
        let found = self.families.values().find_map(|family| family.samples.get(series));
        *found.unwrap_or_else(|| panic!("no series {series} in {:#?}", self.families.keys()))
    }

    pub fn has(&self, series: &str) -> bool {
        self.families.values().any(|family| family.samples.contains_key(series))
    }

    fn read(body: &str, open: bool) -> Page {
        let mut page = Page::default();
        assert!(body.ends_with('\n') && !body.contains('\r'), "the last line has no end, or one of another system");
        for line in body.trim_end_matches('\n').split('\n') {
            match line.strip_prefix("# ") {
                Some(comment) => page.describe(comment, line),
                None => page.sample(line, open),
            }
        }
        let mut names = BTreeSet::new();
        for (name, family) in &page.families {
            assert!(!family.help.is_empty(), "{name} has no help");
            for suffix in family.suffixes(open) {
                // A sample of one family that could be one of another.
                assert!(names.insert(format!("{name}{suffix}")), "{name}{suffix} can belong to two families");
            }
            family.check(name, open);
        }
        page
    }

    fn describe(&mut self, comment: &str, line: &str) {
        let mut words = comment.splitn(3, ' ');
        let (word, name, rest) = (words.next(), words.next().unwrap_or_default(), words.next().unwrap_or_default());
        assert!(is_name(name, true), "no name: {line}");
        let last = self.families.last().map(|(last, _)| last.clone());
        let known = self.families.contains_key(name);
        assert!(!known || last.as_deref() == Some(name), "a family in two places: {line}");
        let family = self.families.entry(name.to_owned()).or_default();
        assert!(family.samples.is_empty(), "described after its samples: {line}");
        let field = match word {
            Some("TYPE") => &mut family.kind,
            Some("HELP") => &mut family.help,
            _ => panic!("neither TYPE nor HELP: {line}"),
        };
        assert!(field.is_empty(), "said twice: {line}");
        rest.clone_into(field);
    }

    fn sample(&mut self, line: &str, open: bool) {
        let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no value: {line:?}"));
        let value: f64 = value.parse().unwrap_or_else(|error| panic!("{error}: {line}"));
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, Some(labels)),
            None => (series, None),
        };
        assert!(is_name(name, true), "no name: {line}");
        if let Some(labels) = labels {
            read_label(labels).unwrap_or_else(|| panic!("no label: {line}"));
        }
        let (of, family) = self.families.last_mut().unwrap_or_else(|| panic!("of no family: {line}"));
        let suffix = name.strip_prefix(of.as_str()).unwrap_or_else(|| panic!("not of {of}: {line}"));
        assert!(family.suffixes(open).contains(&suffix), "a {} has no such sample: {line}", family.kind);
        assert!(family.samples.insert(series.to_owned(), value).is_none(), "twice: {line}");
    }
}

impl Family {
    fn suffixes(&self, open: bool) -> &'static [&'static str] {
        match (self.kind.as_str(), open) {
            ("counter", true) => &["_total", "_created"],
            ("info", true) => &["_info"],
            ("counter", false) | ("gauge", _) => &[""],
            (kind, _) => panic!("no such type here: {kind:?}"),
        }
    }

    fn check(&self, name: &str, open: bool) {
        for (series, value) in &self.samples {
            if self.kind == "counter" {
                assert!(value.is_finite() && *value >= 0.0, "{series} {value}");
            }
            assert!(self.kind != "info" || *value == 1.0, "{series} {value}");
            if let Some(rest) =
                series.strip_prefix(&format!("{name}_created")).filter(|_| self.kind == "counter" && open)
            {
                assert!(self.samples.contains_key(&format!("{name}_total{rest}")), "{series} of nothing");
                assert!(*value > 1e9, "{series} is no time: {value}");
            }
        }
        assert!(self.kind != "counter" || open || name.ends_with("_total"), "{name} is a counter without _total");
        assert!(self.kind != "counter" || !open || !name.ends_with("_total"), "{name} is no name of a family");
    }
}

/// Of a metric, or of a label, which has no colon.
fn is_name(name: &str, of_metric: bool) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || (of_metric && c == ':');
    name.starts_with(|c: char| !c.is_ascii_digit()) && !name.is_empty() && name.chars().all(fits)
}

/// One label and the end of all: `jvb="jvb1"}`.
fn read_label(text: &str) -> Option<(&str, String)> {
    let (name, rest) = text.split_once("=\"")?;
    let rest = rest.strip_suffix("\"}")?;
    let mut value = String::new();
    let mut characters = rest.chars();
    while let Some(character) = characters.next() {
        value.push(match character {
            '\\' => match characters.next()? {
                'n' => '\n',
                escaped @ ('\\' | '"') => escaped,
                _ => return None,
            },
            '"' | '\n' => return None,
            character => character,
        });
    }
    is_name(name, false).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# TYPE a counter\n# HELP a Help.\na_total 3.0\na_created 1.795263738E9\n# TYPE b gauge\n\
        # HELP b Help.\nb{x=\"1\\\"\\\\\"} 1.0\nb{x=\"2\"} 0.5\n";

    #[test]
    fn a_page_is_read() {
        let page = Page::open_metrics(&format!("{GOOD}# EOF\n"));
        assert_eq!((page.value("a_total"), page.value("b{x=\"2\"}")), (3.0, 0.5));
        assert_eq!(page.families["b"].samples.len(), 2);
    }

    #[test]
    fn what_the_format_forbids_is_found() {
        for wrong in [
            GOOD.to_owned(),
            format!("{GOOD}# EOF\n\n"),
            format!("{GOOD}a_total 4.0\n# EOF\n"),
            format!("{GOOD}b 4.0\nb 5.0\n# EOF\n"),
            format!("{GOOD}b{{x=\"1}} 5.0\n# EOF\n"),
            format!("{GOOD}# TYPE a counter\n# EOF\n"),
            format!("{GOOD}# TYPE c counter\n# HELP c Help.\nc 1.0\n# EOF\n"),
            format!("{GOOD}# TYPE c counter\n# HELP c Help.\nc_total -1.0\n# EOF\n"),
            format!("{GOOD}# TYPE a_total gauge\n# HELP a_total Help.\na_total 1.0\n# EOF\n"),
            format!("{GOOD}# TYPE c gauge\n# HELP c Help.\nc one\n# EOF\n"),
            format!("{GOOD}# TYPE c gauge\nc 1.0\n# EOF\n"),
        ] {
            assert!(std::panic::catch_unwind(|| Page::open_metrics(&wrong)).is_err(), "{wrong}");
        }
    }
}
