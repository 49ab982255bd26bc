//! `/metrics` (spec/80 §3): one list of families, three ways to write it.

mod families;
mod write;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Core;
use super::answer::{Failure, json_text, text};
use super::process::Process;
use crate::focus::command::{Command, Reply};

/// How a page can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    OpenMetrics,
    Prometheus,
    Json,
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) async fn page(State(core): State<Core>, headers: HeaderMap) -> Result<Response, Failure> {
    let Some(format) = Format::wanted(&headers) else {
        let offered = "Not acceptable: there are application/openmetrics-text, text/plain and application/json";
        return Ok(text(StatusCode::NOT_ACCEPTABLE, offered));
    };
    let snapshot = match core.ask(Command::Count).await? {
        Reply::Snapshot(snapshot) => snapshot,
        reply => return Err(Failure::unexpected(&reply)),
    };
    let families = families::of(&snapshot, Process::own().as_ref());
    Ok(match format {
        Format::OpenMetrics => written(OPEN_METRICS, write::open_metrics(&families)),
        Format::Prometheus => written(PROMETHEUS, write::prometheus(&families)),
        Format::Json => json_text(write::json(&families)),
    })
}

fn written(content_type: &'static str, page: String) -> Response {
    ([(header::CONTENT_TYPE, content_type)], page).into_response()
}

impl Format {
    /// The first of those that the client likes best which we have; its order decides between equals (spec/80 §3.1). What it says
    /// it does not want (`q=0`) is no choice.
    fn wanted(headers: &HeaderMap) -> Option<Format> {
        let accepted = headers.get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
        let mut choices: Vec<(&str, f32)> = accepted
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|choice| !choice.is_empty())
            .map(|choice| {
                let mut parts = choice.split(';').map(str::trim);
                let name = parts.next().unwrap_or_default();
                let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
                (name, quality.and_then(|quality| quality.parse().ok()).unwrap_or(1.0))
            })
            .collect();
        if choices.is_empty() {
            return Some(Format::OpenMetrics);
        }
        choices.retain(|(_, quality)| *quality > 0.0);
        choices.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        choices.into_iter().find_map(|(name, _)| match name.to_ascii_lowercase().as_str() {
            "*/*" | "application/openmetrics-text" => Some(Format::OpenMetrics),
            "text/plain" => Some(Format::Prometheus),
            "application/json" => Some(Format::Json),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    /// The table of spec/80 §3.1.
    #[test]
    fn the_format_is_the_one_that_the_client_likes_best() {
        let wanted = |accepted: &[&'static str]| {
            let mut headers = HeaderMap::new();
            accepted.iter().for_each(|value| _ = headers.append(header::ACCEPT, HeaderValue::from_static(value)));
            Format::wanted(&headers)
        };
        for (accepted, format) in [
            (&[][..], Some(Format::OpenMetrics)),
            (&[""], Some(Format::OpenMetrics)),
            (&["*/*"], Some(Format::OpenMetrics)),
            (&["text/plain;version=0.0.4"], Some(Format::Prometheus)),
            (&["Text/Plain"], Some(Format::Prometheus)),
            (&["text/*"], None),
            (&["image/png"], None),
            (&["application/json;q=0"], None),
            (&["application/json"], Some(Format::Json)),
            (&["image/png, text/plain;q=0.3, application/json; q=0.4"], Some(Format::Json)),
            (&["text/plain;q=0.3", "*/*;q=0.3"], Some(Format::Prometheus)),
            (&["text/html", "application/xhtml+xml,*/*;q=0.8"], Some(Format::OpenMetrics)),
            (
                &["application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"],
                Some(Format::OpenMetrics),
            ),
        ] {
            assert_eq!(wanted(accepted), format, "{accepted:?}");
        }
    }
}
