//! The three ways to write a page (spec/80 §3.1).

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::families::{Family, Kind, Number};
use crate::focus::Timestamp;

const PREFIX: &str = "jitsi_jicofo_";

/// A page of eighty families, so that it is written in one piece.
const USUAL_SIZE: usize = 32 * 1024;

/// OpenMetrics 1.0.0.
pub(super) fn open_metrics(families: &[Family]) -> String {
    let mut page = Page::default();
    for family in families {
        let name = family.full_name();
        match &family.kind {
            Kind::Counter { value, created } => {
                page.head(&name, "counter", family.help);
                page.sample(&name, "_total", None, *value);
                page.sample(&name, "_created", None, time(*created));
            }
            Kind::Gauge(value) => {
                page.head(&name, "gauge", family.help);
                page.sample(&name, "", None, *value);
            }
            Kind::Info(label, text) => {
                page.head(&name, "info", family.help);
                page.sample(&name, "_info", Some((label, text)), Number::Whole(1));
            }
            Kind::Counters(label, series, created) => {
                page.head(&name, "counter", family.help);
                for (of, value) in series {
                    page.sample(&name, "_total", Some((label, of)), *value);
                    page.sample(&name, "_created", Some((label, of)), time(*created));
                }
            }
            Kind::Gauges(label, series) => {
                page.head(&name, "gauge", family.help);
                for (of, value) in series {
                    page.sample(&name, "", Some((label, of)), *value);
                }
            }
        }
    }
    page.0.push_str("# EOF\n");
    page.0
}

/// Prometheus' text format 0.0.4, which knows no time of creation: it is a gauge of its own.
pub(super) fn prometheus(families: &[Family]) -> String {
    let mut page = Page::default();
    for family in families {
        let name = family.full_name();
        match &family.kind {
            Kind::Counter { value, created } => {
                page.counters(&name, family.help, &[(None, *value)], *created);
            }
            Kind::Gauge(value) => {
                page.head(&name, "gauge", family.help);
                page.sample(&name, "", None, *value);
            }
            Kind::Info(label, text) => {
                let name = format!("{name}_info");
                page.head(&name, "gauge", family.help);
                page.sample(&name, "", Some((label, text)), Number::Whole(1));
            }
            Kind::Counters(label, series, created) => {
                let series: Vec<_> = series.iter().map(|(of, value)| (Some((*label, of.as_str())), *value)).collect();
                page.counters(&name, family.help, &series, *created);
            }
            Kind::Gauges(label, series) => {
                page.head(&name, "gauge", family.help);
                for (of, value) in series {
                    page.sample(&name, "", Some((label, of)), *value);
                }
            }
        }
    }
    page.0
}

/// One flat object of what has no labels, without the prefix. What every program has is not in it.
pub(super) fn json(families: &[Family]) -> String {
    let mut object = Map::new();
    for family in families.iter().filter(|family| family.own) {
        match &family.kind {
            Kind::Counter { value, .. } => _ = object.insert(format!("{}_total", family.name), value.json()),
            Kind::Gauge(value) => _ = object.insert(family.name.clone(), value.json()),
            Kind::Info(_, text) => _ = object.insert(family.name.clone(), Value::from(*text)),
            Kind::Counters(..) | Kind::Gauges(..) => {}
        }
    }
    Value::Object(object).to_string()
}

impl Family {
    fn full_name(&self) -> String {
        if self.own { format!("{PREFIX}{}", self.name) } else { self.name.clone() }
    }
}

type Label<'l> = Option<(&'l str, &'l str)>;

struct Page(String);

impl Default for Page {
    fn default() -> Page {
        Page(String::with_capacity(USUAL_SIZE))
    }
}

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let page = &mut self.0;
        let _ = writeln!(page, "# TYPE {name} {kind}\n# HELP {name} {help}");
    }

    fn sample(&mut self, name: &str, suffix: &str, label: Label<'_>, value: Number) {
        let page = &mut self.0;
        page.push_str(name);
        page.push_str(suffix);
        if let Some((label, value)) = label {
            let _ = write!(page, "{{{label}=\"");
            escape(page, value);
            page.push_str("\"}");
        }
        let _ = writeln!(page, " {:?}", value.double());
    }

    fn counters(&mut self, name: &str, help: &str, series: &[(Label<'_>, Number)], created: Timestamp) {
        let (total, since) = (format!("{name}_total"), format!("{name}_created"));
        self.head(&total, "counter", help);
        series.iter().for_each(|(label, value)| self.sample(&total, "", *label, *value));
        self.head(&since, "gauge", help);
        series.iter().for_each(|(label, _)| self.sample(&since, "", *label, time(created)));
    }
}

/// The nick of a bridge is its own choice.
fn escape(page: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '\\' => page.push_str("\\\\"),
            '"' => page.push_str("\\\""),
            '\n' => page.push_str("\\n"),
            character => page.push(character),
        }
    }
}

/// In seconds since the Unix epoch.
fn time(at: Timestamp) -> Number {
    Number::Real(at.millis() as f64 / 1e3)
}

impl Number {
    fn double(self) -> f64 {
        match self {
            Number::Whole(value) => value as f64,
            Number::Real(value) => value,
            Number::Truth(value) => f64::from(u8::from(value)),
        }
    }

    fn json(self) -> Value {
        match self {
            Number::Whole(value) => value.into(),
            Number::Real(value) => value.into(),
            Number::Truth(value) => value.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_can_hold_anything_and_a_number_is_a_double() {
        let series = vec![("a\\b\"c\nd".to_owned(), Number::Truth(true))];
        let family = Family { name: "x".into(), help: "Help.", kind: Kind::Gauges("jvb", series), own: true };
        let page =
            "# TYPE jitsi_jicofo_x gauge\n# HELP jitsi_jicofo_x Help.\njitsi_jicofo_x{jvb=\"a\\\\b\\\"c\\nd\"} 1.0\n";
        assert_eq!(open_metrics(std::slice::from_ref(&family)), format!("{page}# EOF\n"));
        assert_eq!(prometheus(&[family]), page);
    }
}
