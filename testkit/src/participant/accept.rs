//! What a participant writes into Jingle (spec/30 §9.4, §9.5, §11; shapes as recorded).

use super::profile::Age;
use super::{Participant, Session};
use crate::ice::last_octet;
use crate::ns;
use crate::sources::{Media, Sources, contents_of};
use crate::xml::{Builder, Element, Read, el};

impl Participant {
    /// A `<jingle>` of the present session.
    pub(super) fn jingle_of(&self, session: &Session, action: &str) -> Builder {
        el("jingle", ns::JINGLE).attr("action", action).attr("sid", &session.sid).attr("initiator", &session.peer)
    }

    /// The answer to an offer: each section again, with our sources and our transport.
    pub(super) fn accept(&self, session: &Session, offer: &Element, action: &str) -> Builder {
        let names: Vec<&str> = offer.kids("content", ns::JINGLE).filter_map(|c| c.get("name")).collect();
        let group = names.iter().map(|name| el("content", ns::GROUPING).attr("name", name));
        let sections = offer.kids("content", ns::JINGLE).map(|content| self.section(content));
        self.jingle_of(session, action)
            .attr("responder", &self.settings.jid)
            .child(el("group", ns::GROUPING).attr("semantics", "BUNDLE").children(group))
            .children(sections)
    }

    fn section(&self, offered: &Element) -> Builder {
        let name = offered.get("name").unwrap_or("audio");
        let content = el("content", ns::JINGLE).attr("creator", "responder").attr("name", name);
        let media = match name {
            "audio" => Media::Audio,
            "video" => Media::Video,
            _ => {
                let sctp = el("sctpmap", ns::DTLS_SCTP)
                    .attr("number", 5000)
                    .attr("protocol", "webrtc-datachannel")
                    .attr("streams", 0);
                return content.child(self.transport(None).child(sctp));
            }
        };
        let last_n = self.settings.last_n.filter(|_| media == Media::Video);
        let last_n = last_n.map(|n| el("initial-last-n", ns::COLIBRI2).attr("value", n));
        let content = content.attr("senders", "both").children(last_n).child(self.description(offered, media));
        match self.settings.profile.age {
            // Jigasi has sent its credentials before (spec/30 §6.7).
            Age::Gateway => content,
            _ => content.child(self.transport(None)),
        }
    }

    fn description(&self, offered: &Element, media: Media) -> Builder {
        let codecs = offered.kid("description", ns::RTP).into_iter().flat_map(Element::children);
        let codecs = codecs.filter(|child| child.is("payload-type", ns::RTP)).map(|codec| {
            el("payload-type", ns::RTP)
                .opt("id", codec.get("id"))
                .opt("name", codec.get("name"))
                .opt("clockrate", codec.get("clockrate"))
                .attr("channels", codec.get("channels").unwrap_or("1"))
        });
        let first = self.own.of(media).sources.first().map(|source| source.ssrc);
        el("description", ns::RTP)
            .attr("media", media.name())
            .opt("ssrc", first.filter(|_| self.settings.profile.age == Age::Old))
            .children(codecs)
            .children(contents_of(&self.own, media))
            .child(el("rtcp-mux", ns::RTP))
    }

    /// Our ICE transport. `generation`: it answers an ICE restart (spec/30 §12.2).
    pub(super) fn transport(&self, generation: Option<u64>) -> Builder {
        let credentials = format!("{}{}", self.ufrag, self.agents);
        let password = format!("pwd-of-{credentials}");
        crate::logs::keep_secret_of_peer(&password);
        el("transport", ns::ICE)
            .attr("ufrag", &credentials)
            .attr("pwd", password)
            .opt("ice-generation", generation)
            .child(el("fingerprint", ns::DTLS).attr("hash", "sha-256").attr("setup", "active").text(self.fingerprint()))
    }

    /// Of a certificate that nobody has, but for its last octet, which tells one client from others.
    fn fingerprint(&self) -> String {
        let last = last_octet(&self.settings.jid);
        format!(
            "B2:73:47:99:AF:F8:14:3E:FB:1A:CE:0B:21:EE:7A:17:37:1D:E4:13:A8:5A:4F:DC:5D:2D:5D:A0:4F:DC:5D:{last:02X}"
        )
    }

    /// Host candidates as an old client trickles them: under the index of the m-line, fingerprint without `setup`.
    pub(super) fn old_transport_info(&self, session: &Session) -> Builder {
        let mut transport: Element = self.transport(None).into();
        let fingerprint = transport.remove_child("fingerprint", ns::DTLS).map(|f| f.text()).unwrap_or_default();
        let candidate = el("candidate", ns::ICE)
            .attr("component", 1)
            .attr("foundation", 1_270_657_463)
            .attr("generation", 0)
            .attr("id", "u11vdjghyg")
            .attr("network", 1)
            .attr("priority", 2_122_194_687)
            .attr("protocol", "udp")
            .attr("type", "host")
            .attr("ip", "192.0.2.2")
            .attr("port", 34_998);
        transport.append_child(candidate.into());
        transport.append_child(
            el("fingerprint", ns::DTLS).attr("hash", "sha-256").attr("required", "true").text(fingerprint).into(),
        );
        let content = el("content", ns::JINGLE).attr("creator", "responder").attr("name", "0").child(transport);
        self.jingle_of(session, "transport-info").child(content)
    }

    /// One tagged content an m-line; the names repeat (spec/30 §12.2).
    pub(super) fn restart_answer(&self, session: &Session, generation: u64) -> Builder {
        let contents = ["audio", "video", "audio", "video"].map(|name| {
            el("content", ns::JINGLE)
                .attr("creator", "responder")
                .attr("name", name)
                .child(self.transport(Some(generation)))
        });
        self.jingle_of(session, "transport-info").children(contents)
    }

    /// `source-add` or `source-remove` of `sources`.
    pub(super) fn source_change(&self, session: &Session, action: &str, sources: &Sources) -> Builder {
        let contents = [Media::Audio, Media::Video].into_iter().filter(|m| !sources.of(*m).is_empty()).map(|media| {
            let description =
                el("description", ns::RTP).attr("media", media.name()).children(contents_of(sources, media));
            el("content", ns::JINGLE).attr("name", media.name()).child(description)
        });
        self.jingle_of(session, action).children(contents)
    }
}
