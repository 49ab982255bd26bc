//! Transports and feedback sources in a bridge's answers (spec/40 §2.6, §2.9, §5.1).

use super::conference::Credentials;
use super::{Bridge, Conference};
use crate::ice::last_octet;
use crate::ns;
use crate::xml::{Builder, Element, el};

/// Of a certificate that nobody has, but for its last octet.
const FINGERPRINT: &str =
    "4E:71:14:2F:4F:F0:3F:20:8D:58:67:E9:07:13:A7:F3:08:03:62:1B:27:CD:8D:70:F0:A8:60:3B:FF:82:18";

impl Bridge {
    pub(super) fn fresh_credentials(&mut self) -> Credentials {
        let credentials = Credentials { ufrag: self.dice.text(14), pwd: self.dice.text(26) };
        crate::logs::keep_secret_of_peer(&credentials.pwd);
        credentials
    }

    /// All 32 octets: Chromium applies no fingerprint of another length, and the offer with it fails.
    pub fn fingerprint(&self) -> String {
        let last = last_octet(&self.settings.nick);
        format!("{FINGERPRINT}:{last:02X}")
    }

    /// `<transport>` around an ICE transport. `path`: of the WebSocket, None for no WebSocket.
    pub(super) fn transport(
        &self,
        credentials: &Credentials,
        generation: Option<u64>,
        path: Option<String>,
        sctp: Option<&str>,
    ) -> Element {
        let nick = &self.settings.nick;
        let fingerprint = self.fingerprint();
        let web_socket = path
            .filter(|_| self.settings.web_sockets)
            .map(|path| el("web-socket", ns::COLIBRI).attr("url", format!("wss://{nick}.example.com:443/{path}")));
        let setup = if generation.is_some() { "passive" } else { "actpass" };
        let ice = el("transport", ns::ICE)
            .attr("ufrag", &credentials.ufrag)
            .attr("pwd", &credentials.pwd)
            .opt("ice-generation", generation)
            .child(el("rtcp-mux", ns::ICE))
            .child(el("fingerprint", ns::DTLS).attr("hash", "sha-256").attr("setup", setup).text(fingerprint))
            .children(web_socket)
            .child(
                el("candidate", ns::ICE)
                    .attr("component", 1)
                    .attr("foundation", 1)
                    .attr("generation", 0)
                    .attr("id", format!("cand{}", credentials.ufrag))
                    .attr("network", 0)
                    .attr("priority", 2_130_706_431_u32)
                    .attr("protocol", "udp")
                    .attr("type", "host")
                    .attr("ip", "203.0.113.10")
                    .attr("port", 10_000),
            );
        let sctp = sctp.map(|role| el("sctp", ns::COLIBRI2).attr("role", role).attr("port", 5000));
        el("transport", ns::COLIBRI2).child(ice).children(sctp).done()
    }

    /// The bridge's own sources: one of audio, one of video, the same for the life of the conference.
    pub(super) fn feedback_sources(conference: &Conference) -> Builder {
        let source = |kind: &str, name: &str, ssrc: u32| {
            let source = el("source", ns::SSMA).attr("ssrc", ssrc).attr("name", name);
            el("media-source", ns::COLIBRI2).attr("type", kind).attr("id", name).child(source)
        };
        let (audio, video) = conference.feedback;
        el("sources", ns::COLIBRI2).child(source("audio", "jvb-a0", audio)).child(source("video", "jvb-v0", video))
    }
}
