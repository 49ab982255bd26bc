//! Every error that a bridge answers (spec/40 §3.3). The letters are those of the table there.

use crate::ns;
use crate::xml::{Element, el, error_of};

/// Why a request is refused.
#[derive(Debug, Clone)]
pub struct Refused {
    pub kind: &'static str,
    pub condition: &'static str,
    pub text: Option<String>,
    /// The colibri2 reason.
    pub reason: Option<&'static str>,
    /// The endpoint it is about; only with `unknown_endpoint`.
    pub endpoint: Option<String>,
}

impl Refused {
    fn new(kind: &'static str, condition: &'static str, text: String) -> Refused {
        Refused { kind, condition, text: Some(text), reason: None, endpoint: None }
    }

    fn because(mut self, reason: &'static str) -> Refused {
        self.reason = Some(reason);
        self
    }

    pub fn bad_request(text: impl Into<String>) -> Refused {
        Refused::new("modify", "bad-request", text.into())
    }

    pub fn conflict(text: impl Into<String>) -> Refused {
        Refused::new("cancel", "conflict", text.into())
    }

    pub fn internal(text: impl Into<String>) -> Refused {
        Refused::new("cancel", "internal-server-error", text.into())
    }

    pub fn unsupported(text: impl Into<String>) -> Refused {
        Refused::new("cancel", "feature-not-implemented", text.into())
    }

    /// e, f, g, y, z.
    pub fn not_implemented(text: impl Into<String>) -> Refused {
        Refused::unsupported(text).because("feature_not_implemented")
    }

    /// a
    pub fn conference_exists(id: &str) -> Refused {
        Refused::conflict(format!("Conference already exists for ID: {id}")).because("conference_already_exists")
    }

    /// b
    pub fn conference_not_found(id: &str) -> Refused {
        Refused::new("cancel", "item-not-found", format!("Conference not found for ID: {id}"))
            .because("conference_not_found")
    }

    /// c
    pub fn graceful_shutdown() -> Refused {
        Refused::new("cancel", "service-unavailable", "In graceful shutdown".into()).because("graceful_shutdown")
    }

    /// o
    pub fn unknown_endpoint(id: &str) -> Refused {
        let refused = Refused::new("cancel", "item-not-found", format!("Endpoint not found for ID: {id}"));
        Refused { endpoint: Some(id.to_owned()), ..refused.because("unknown_endpoint") }
    }

    pub fn answer(&self, iq: &Element) -> Element {
        let mut answer = error_of(iq, self.kind, self.condition, self.text.as_deref()).done();
        if let Some(error) = answer.get_child_mut("error", ns::CLIENT) {
            if let Some(reason) = self.reason {
                error.append_child(el("error", ns::COLIBRI2).attr("reason", reason).done());
            }
            if let Some(endpoint) = &self.endpoint {
                error.append_child(el("endpoint", ns::COLIBRI2).attr("id", endpoint).done());
            }
        }
        answer
    }
}
