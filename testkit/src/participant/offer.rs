//! Is this an offer that a browser could answer? (spec/30 §4, §8 and every "Peer depends" there.)

use std::collections::{BTreeMap, BTreeSet};

use super::profile::{AUDIO, Profile, RTX, SCTP, TCC, VIDEO};
use crate::ns;
use crate::xml::{Element, Read};

const TCC_URI: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// Everything that is wrong with a `session-initiate` or `transport-replace`, its sources aside.
pub fn faults_of(jingle: &Element, profile: &Profile) -> Vec<String> {
    let mut check = Check::of(profile);
    check.attributes(jingle);
    let contents: Vec<&Element> = jingle.kids("content", ns::JINGLE).collect();
    for content in &contents {
        check.content(content);
    }
    check.names(&contents);
    check.bundle(jingle, &contents);
    check.bridge_channel(&contents);
    check.wrong
}

struct Check<'a> {
    profile: &'a Profile,
    wrong: Vec<String>,
    /// Sections are bundled: one payload type number means one codec.
    payload_types: BTreeMap<u8, String>,
    extensions: BTreeMap<u8, String>,
    credentials: Option<(String, String)>,
}

impl<'a> Check<'a> {
    fn of(profile: &'a Profile) -> Check<'a> {
        Check {
            profile,
            wrong: Vec::new(),
            payload_types: BTreeMap::new(),
            extensions: BTreeMap::new(),
            credentials: None,
        }
    }

    fn add(&mut self, text: impl Into<String>) {
        self.wrong.push(text.into());
    }

    fn attributes(&mut self, jingle: &Element) {
        if jingle.get("initiator").is_none_or(str::is_empty) {
            self.add("offer without initiator");
        }
        let session = jingle.kid("bridge-session", ns::FOCUS);
        if session.and_then(|s| s.get("id")).is_none_or(str::is_empty) {
            self.add("offer without the id of a bridge-session");
        }
    }

    fn names(&mut self, contents: &[&Element]) {
        let names: Vec<&str> = contents.iter().filter_map(|content| content.get("name")).collect();
        let unique: BTreeSet<&str> = names.iter().copied().collect();
        if unique.len() != names.len() {
            self.add(format!("content names repeat: {names:?}"));
        }
        if contents.is_empty() {
            self.add("offer without contents");
        }
        for (name, feature) in [("audio", AUDIO), ("video", VIDEO), ("data", SCTP)] {
            let offered = unique.contains(name);
            if offered && !self.profile.has(feature) {
                self.add(format!("content '{name}' offered to a client without it"));
            }
            if !offered && self.profile.has(feature) && name != "data" {
                self.add(format!("no content '{name}'"));
            }
        }
    }

    fn content(&mut self, content: &Element) {
        let name = content.get("name").unwrap_or("");
        let media = match name {
            "audio" | "video" => name,
            "data" => "application",
            other => return self.add(format!("content named '{other}', not audio, video or data")),
        };
        if content.get("creator") != Some("initiator") || content.get("senders") != Some("both") {
            self.add(format!("content '{name}' is not creator='initiator' senders='both'"));
        }
        match content.kid("description", ns::RTP) {
            None => self.add(format!("content '{name}' without description")),
            Some(d) if d.get("media") != Some(media) => self.add(format!("content '{name}' is not of media '{media}'")),
            Some(d) if media != "application" => self.description(name, d),
            Some(_) => {}
        }
        match content.kid("transport", ns::ICE) {
            None => self.add(format!("content '{name}' without ICE transport")),
            Some(transport) => self.transport(name, transport),
        }
    }

    fn description(&mut self, name: &str, description: &Element) {
        if description.kid("rtcp-mux", ns::RTP).is_none() {
            self.add(format!("description of '{name}' without rtcp-mux"));
        }
        let mut apts = Vec::new();
        let mut codecs = BTreeSet::new();
        for element in description.kids("payload-type", ns::RTP) {
            match read_payload_type(element) {
                Err(text) => self.add(format!("'{name}': {text}")),
                Ok((id, codec, apt)) => {
                    if let Some(other) = self.payload_types.insert(id, codec.clone()) {
                        self.add(format!("'{name}': payload type {id} is {codec} and {other}"));
                    }
                    self.codec(name, element, &codec, apt.is_some());
                    match apt {
                        Some(apt) => apts.push((id, apt)),
                        None => _ = codecs.insert(id),
                    }
                }
            }
        }
        if codecs.is_empty() {
            self.add(format!("'{name}' without codecs"));
        }
        for (id, apt) in apts.into_iter().filter(|(_, apt)| !codecs.contains(apt)) {
            self.add(format!("'{name}': rtx {id} is for {apt}, which is not offered"));
        }
        for extension in description.kids("rtp-hdrext", ns::HDREXT) {
            self.extension(name, extension);
        }
    }

    fn codec(&mut self, name: &str, element: &Element, codec: &str, has_apt: bool) {
        let rtx = codec == "rtx";
        if rtx != has_apt {
            self.add(format!("'{name}': {codec} {} apt", if has_apt { "with" } else { "without" }));
        }
        if rtx && !self.profile.has(RTX) {
            self.add(format!("'{name}': rtx offered to a client without it"));
        }
        // Clients look codecs up by these very names (spec/30 §4.1).
        let known = ["AV1", "VP8", "VP9", "H264", "rtx", "opus", "red", "telephone-event"];
        if !known.contains(&codec) {
            self.add(format!("'{name}': unknown codec '{codec}'"));
        }
        for feedback in element.kids("rtcp-fb", ns::RTCP_FB) {
            match feedback.get("type") {
                None => self.add(format!("'{name}': rtcp-fb of {codec} without type")),
                Some("transport-cc") if !self.profile.has(TCC) => {
                    self.add(format!("'{name}': transport-cc offered to a client without it"));
                }
                Some(_) => {}
            }
        }
    }

    fn extension(&mut self, name: &str, element: &Element) {
        let id = element.get("id").and_then(|id| id.parse::<u8>().ok()).filter(|id| *id > 0);
        let (Some(id), Some(uri)) = (id, element.get("uri")) else {
            return self.add(format!("'{name}': header extension without id or uri"));
        };
        if uri == TCC_URI && !self.profile.has(TCC) {
            self.add(format!("'{name}': the extension of transport-cc offered to a client without it"));
        }
        let other = self.extensions.insert(id, uri.to_owned());
        if let Some(other) = other.filter(|other| other != uri) {
            self.add(format!("'{name}': header extension {id} is {uri} and {other}"));
        }
    }

    fn transport(&mut self, name: &str, transport: &Element) {
        let text = |attribute| transport.get(attribute).unwrap_or("").to_owned();
        let credentials = (text("ufrag"), text("pwd"));
        if credentials.0.is_empty() || credentials.1.is_empty() {
            self.add(format!("transport of '{name}' without ufrag or pwd"));
        }
        // One transport serves all sections.
        if self.credentials.get_or_insert_with(|| credentials.clone()) != &credentials {
            self.add(format!("transport of '{name}' has other credentials than the first"));
        }
        let fingerprint = transport.kid("fingerprint", ns::DTLS);
        let complete = fingerprint.is_some_and(|f| f.get("hash").is_some() && f.text().contains(':'));
        if !complete {
            self.add(format!("transport of '{name}' without fingerprint"));
        }
        if fingerprint.is_some_and(|f| f.get("setup") != Some("actpass")) {
            self.add(format!("transport of '{name}' is not setup='actpass'"));
        }
        if transport.kid("candidate", ns::ICE).is_none() {
            self.add(format!("transport of '{name}' without candidates"));
        }
        for candidate in transport.kids("candidate", ns::ICE) {
            for attribute in ["component", "foundation", "id", "ip", "port", "priority", "protocol", "type"] {
                if let Err(text) = candidate.need(attribute) {
                    self.add(format!("transport of '{name}': {text}"));
                }
            }
        }
        if name == "data" && transport.kid("sctpmap", ns::DTLS_SCTP).and_then(|s| s.get("number")).is_none() {
            self.add("transport of 'data' without sctpmap");
        }
    }

    fn bundle(&mut self, jingle: &Element, contents: &[&Element]) {
        let Some(group) = jingle.kid("group", ns::GROUPING) else { return self.add("no BUNDLE group") };
        if group.get("semantics") != Some("BUNDLE") {
            self.add("group is not BUNDLE");
        }
        let grouped: Vec<&str> = group.kids("content", ns::GROUPING).filter_map(|c| c.get("name")).collect();
        let offered: Vec<&str> = contents.iter().filter_map(|c| c.get("name")).collect();
        if grouped != offered {
            self.add(format!("BUNDLE group names {grouped:?}, the contents are {offered:?}"));
        }
    }

    /// With neither a data channel nor a WebSocket a browser cannot talk to the bridge (spec/30 §4.4).
    fn bridge_channel(&mut self, contents: &[&Element]) {
        let data = contents.iter().any(|content| content.get("name") == Some("data"));
        let transports = contents.iter().filter_map(|content| content.kid("transport", ns::ICE));
        let web_socket = transports.filter_map(|t| t.kid("web-socket", ns::COLIBRI)).any(|w| w.get("url").is_some());
        if !data && !web_socket && self.profile.has(SCTP) {
            self.add("neither data channel nor web-socket");
        }
    }
}

/// Number, name and `apt` of a payload type.
fn read_payload_type(element: &Element) -> Result<(u8, String, Option<u8>), String> {
    let id = element.need("id")?;
    let id = id.parse::<u8>().ok().filter(|id| *id < 128).ok_or_else(|| format!("payload type '{id}'"))?;
    let name = element.need("name")?.to_owned();
    element.need("clockrate")?.parse::<u32>().map_err(|e| format!("clockrate of {id}: {e}"))?;
    let apt = element.kids("parameter", ns::RTP).find(|p| p.get("name") == Some("apt"));
    let apt = apt.map(|p| p.need("value")?.parse::<u8>().map_err(|e| format!("apt of {id}: {e}"))).transpose()?;
    Ok((id, name, apt))
}
