//! What bridges answer when something is wrong with them, or on the way to them (spec/40 §3.3).

use super::plan::{Error, OMISSIONS};
use crate::bridge::{By, Fault, Refused};
use crate::ns;
use crate::xml::{Element, Read};

/// How an answer loses that which has this number (spec/40 §8.1, rows 10 to 12).
pub(super) fn omission(what: u8) -> fn(&mut Element) {
    fn lose(parent: Option<&mut Element>, name: &str, namespace: &str) {
        if let Some(parent) = parent {
            _ = parent.remove_child(name, namespace);
        }
    }
    match what % OMISSIONS {
        0 => |answer| lose(Some(answer), "conference-modified", ns::COLIBRI2),
        1 => |answer| lose(answer.get_child_mut("conference-modified", ns::COLIBRI2), "endpoint", ns::COLIBRI2),
        2 => |answer| lose(transport_in(answer), "transport", ns::ICE),
        _ => |answer| lose(transport_in(answer), "sctp", ns::COLIBRI2),
    }
}

/// Of the endpoint, or of the relay.
fn transport_in(answer: &mut Element) -> Option<&mut Element> {
    let modified = answer.get_child_mut("conference-modified", ns::COLIBRI2)?;
    let name = ["endpoint", "relay"].into_iter().find(|name| modified.get_child(name, ns::COLIBRI2).is_some())?;
    modified.get_child_mut(name, ns::COLIBRI2)?.get_child_mut("transport", ns::COLIBRI2)
}

/// In the words of a real bridge, or of who speaks in its stead (spec/40 §3.3).
pub(super) fn fault(error: Error) -> Fault {
    let bounced = |kind, condition, text, by| Fault::Bounced { kind, condition, text, by };
    let said = |kind, condition| Fault::Error { kind, condition, text: String::new(), reason: None };
    match error {
        Error::ConferenceExists => Fault::Refused(|request| Refused::conference_exists(meeting(request))),
        Error::ConferenceNotFound => Fault::Refused(|request| Refused::conference_not_found(meeting(request))),
        Error::Graceful => Fault::Refused(|_| Refused::graceful_shutdown()),
        Error::EndpointExists => Fault::Refused(|request| {
            Refused::conflict(format!("Endpoint with ID {} already exists", endpoint(request)))
        }),
        Error::Internal => Fault::Refused(|request| {
            Refused::internal(format!("Local endpoint with ID = {}already created", endpoint(request)))
        }),
        Error::BadRequest => Fault::Refused(|_| Refused::bad_request("Source name support is mandatory.")),
        Error::NotImplemented => Fault::Refused(|_| {
            let text = "Creating or updating media, sources or transport for more than one endpoint in a request.";
            Refused::not_implemented(text)
        }),
        Error::Forbidden => said("auth", "forbidden"),
        Error::Unavailable => said("cancel", "service-unavailable"),
        Error::NotAcceptable => said("cancel", "not-acceptable"),
        Error::NoSuchOccupant => said("cancel", "item-not-found"),
        Error::RecipientUnavailable => bounced("wait", "recipient-unavailable", None, By::Nobody),
        Error::RemoteServerTimeout => {
            bounced("wait", "remote-server-timeout", Some("Server-to-server connection failed"), By::Nobody)
        }
        Error::NotInRoom => {
            bounced("cancel", "not-acceptable", Some("You are not currently connected to this chat"), By::Room)
        }
        Error::LeftRoom => bounced("cancel", "item-not-found", Some("Recipient not in room"), By::Room),
        Error::NoSuchRoom => bounced("cancel", "item-not-found", None, By::Component),
    }
}

fn meeting(request: &Element) -> &str {
    request.get("meeting-id").unwrap_or_default()
}

/// The first that it names, behind a relay or not.
fn endpoint(request: &Element) -> &str {
    let relay = request.kid("relay", ns::COLIBRI2).unwrap_or(request);
    let endpoint = request.kid("endpoint", ns::COLIBRI2).or_else(|| relay.kid("endpoint", ns::COLIBRI2));
    endpoint.and_then(|endpoint| endpoint.get("id")).unwrap_or_default()
}
