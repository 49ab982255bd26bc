//! Values that are each allowed, and together make no sense (spec/70 §4, spec/80 §13). They are told as the person meets them:
//! what will not work, and which line helps.

use std::collections::BTreeSet;

use super::check::Check;
use super::hocon::limits;
use super::problem::Severity::Warning;
use super::schema::{KEYS, element};
use super::typed::{Kind, Setting};

impl Check<'_> {
    pub(super) fn contradictions(&mut self, classic: bool) {
        self.part(|check| check.client_proxy(classic));
        self.part(Self::rooms);
        self.part(Self::same_account);
        self.part(Self::login_domain);
        self.part(Self::several_bridges);
        self.part(Self::strategies);
        self.part(Self::visitors_rooms);
        self.part(Self::region_groups);
        self.part(Self::times);
        self.part(Self::stress);
        self.part(Self::delays);
        self.part(Self::codecs);
        self.part(Self::recorders);
        self.part(Self::clear_text);
        self.part(Self::urls);
        self.part(Self::switched_off);
        self.part(Self::unasked_health);
    }

    /// no-proxy, proxy-mismatch.
    fn client_proxy(&mut self, classic: bool) {
        let path = "xmpp.client.client-proxy";
        let Some(domain) = self.settings.text("xmpp.client.xmpp-domain") else { return };
        let component = self.settings.text("xmpp.component.secret").is_some();
        match self.settings.text(path) {
            None if !classic && !component => {
                let text = format!(
                    "is not set, so requests that come through Prosody's client_proxy are refused; write client-proxy = \
                     \"focus.{domain}\" if clients ask there"
                );
                self.say(Warning, path, text);
            }
            Some(proxy) if proxy == domain || Some(&proxy) == self.settings.text("xmpp.client.domain").as_ref() => {
                let text = format!("is a domain of users, not of a component; write client-proxy = \"focus.{domain}\"");
                self.say(Warning, path, text);
            }
            Some(proxy) if !proxy.ends_with(&format!(".{domain}")) => {
                let text =
                    format!("is not below {domain}, whose clients ask; usual is client-proxy = \"focus.{domain}\"");
                self.say(Warning, path, text);
            }
            _ => {}
        }
    }

    /// no-muc: a brewery where there can be no room, or two services in one.
    fn rooms(&mut self) {
        let breweries = ["bridge", "jibri", "jibri-sip", "jigasi"].map(|section| format!("{section}.brewery-jid"));
        let mut taken: Vec<(String, &String)> = Vec::new();
        for path in &breweries {
            let Some(room) = self.settings.bare_jid(path) else { continue };
            let room = room.to_string();
            let domain = room.rsplit('@').next().unwrap_or_default().to_owned();
            if let Some(used) = self.domain_of_users(&domain) {
                let text = format!(
                    "{domain} is the {used}, where there are no rooms; name the room in the internal MUC component, usually \
                     internal.{domain}"
                );
                self.say(Warning, path, text);
            }
            if self.settings.text("xmpp.client.conference-muc-jid").as_deref() == Some(&domain) {
                let text = format!(
                    "{domain} has the conferences, where everybody gets in and could pass for a bridge or recorder; name a room \
                     in the internal MUC component"
                );
                self.say(Warning, path, text);
            }
            if let Some((_, other)) = taken.iter().find(|(jid, _)| *jid == room) {
                let text = format!("is the same room as jicofo.{other}; each needs one of its own");
                self.say(Warning, path, text);
            }
            taken.push((room, path));
        }
        let rooms = "xmpp.client.conference-muc-jid";
        if let Some(used) = self.settings.text(rooms).and_then(|domain| self.domain_of_users(&domain)) {
            let text = format!("is the {used}, where there are no rooms; name the MUC component");
            self.say(Warning, rooms, text);
        } else if let (Some(muc), Some(domain)) =
            (self.settings.text(rooms), self.settings.text("xmpp.client.xmpp-domain"))
            && !muc.ends_with(&format!(".{domain}"))
        {
            let text = format!(
                "is not below {domain}, whose clients open their rooms there; usual is conference-muc-jid = \
                 \"conference.{domain}\""
            );
            self.say(Warning, rooms, text);
        }
    }

    /// visitors-off: rooms of visitors that would be the conferences', or each other's.
    fn visitors_rooms(&mut self) {
        let mut taken: Vec<(String, String)> = Vec::new();
        let main = "xmpp.client.conference-muc-jid";
        taken.extend(self.settings.text(main).map(|muc| (muc, main.to_owned())));
        for id in self.settings.nodes() {
            let path = format!("xmpp.visitors.{}.conference-service", element(&id));
            let Some(service) = self.settings.text(&path) else { continue };
            if let Some((_, other)) = taken.iter().find(|(known, _)| *known == service) {
                let text =
                    format!("is that of jicofo.{other}; each node has rooms of its own, so name its MUC component");
                self.say(Warning, &path, text);
            }
            taken.push((service, path));
        }
    }

    /// What a domain is used for, if users log in there or a component answers there.
    fn domain_of_users(&self, domain: &str) -> Option<&'static str> {
        let uses = [
            ("xmpp.client.domain", "login domain"),
            ("xmpp.client.xmpp-domain", "domain of users"),
            ("xmpp.client.client-proxy", "client proxy"),
            ("xmpp.service.domain", "login domain of the service connection"),
        ];
        uses.into_iter().find(|(path, _)| self.settings.text(path).as_deref() == Some(domain)).map(|(_, used)| used)
    }

    /// two-focuses, of our own making.
    fn same_account(&mut self) {
        let part = |section: &str, name: &str| {
            let path = format!("xmpp.{section}.{name}");
            self.settings.text(&path).unwrap_or_else(|| self.settings.int::<i64>(&path).to_string())
        };
        let same = ["hostname", "port", "domain", "username", "resource"]
            .iter()
            .all(|name| part("service", name) == part("client", name));
        if self.settings.bool("xmpp.service.enabled") && same {
            let text = "is the client connection once more: the two throw each other out; remove jicofo.xmpp.service, or \
                        give it a resource of its own";
            self.say(Warning, "xmpp.service.enabled", text);
        }
    }

    /// auth-domain.
    fn login_domain(&mut self) {
        let (enabled, path) = (self.settings.bool("authentication.enabled"), "authentication.login-url");
        let kind = self.settings.text("authentication.type").unwrap_or_default();
        if !enabled && kind != "NONE" {
            let text = format!(
                "is {kind}, but authentication is not enabled, so everybody may start conferences; write enabled = true"
            );
            self.say_off("authentication", "authentication.type", text);
        }
        let login = self.settings.text(path).filter(|_| enabled);
        let own = self.settings.text("xmpp.client.domain");
        if login.is_some() && login == own && own != self.settings.text("xmpp.client.xmpp-domain") {
            let text = "is the domain on which the focus logs in, so nobody ever counts as authenticated; write the domain \
                        of users who have logged in, usually the xmpp-domain";
            self.say(Warning, path, text);
        }
    }

    /// octo-relay, and relays that cannot talk.
    fn several_bridges(&mut self) {
        let octo = self.settings.bool("octo.enabled");
        let strategy = self.settings.text("bridge.selection-strategy").unwrap_or_default();
        let single = strategy == "SingleBridgeSelectionStrategy";
        if octo && single {
            let text = "is SingleBridgeSelectionStrategy although octo is enabled, so a conference gets a second bridge only while the \
                        first takes nobody; choose RegionBasedBridgeSelectionStrategy, or disable octo";
            self.say(Warning, "bridge.selection-strategy", text);
        }
        for (path, who) in [
            ("bridge.participant-selection-strategy", "participants"),
            ("bridge.visitor-selection-strategy", "visitors"),
        ] {
            let of_kind = self.settings.text(path).is_some_and(|it| it == "SingleBridgeSelectionStrategy");
            if octo && strategy == "VisitorSelectionStrategy" && of_kind {
                let text = format!(
                    "is SingleBridgeSelectionStrategy although octo is enabled, so the {who} of a conference get a second bridge only \
                     while the first takes nobody; choose RegionBasedBridgeSelectionStrategy"
                );
                self.say(Warning, path, text);
            }
        }
        if !octo && !single {
            let text = format!("{strategy} uses several bridges, but octo is off; write octo.enabled = true");
            self.say(Warning, "bridge.selection-strategy", text);
        }
        if octo && self.settings.bool("octo.sctp-datachannels") && !self.settings.bool("sctp.enabled") {
            let text = "relays talk over SCTP, but sctp.enabled is false; if the bridges have no SCTP, write \
                        octo.sctp-datachannels = false";
            self.say(Warning, "octo.sctp-datachannels", text);
        }
        let visitors = self.settings.bool("visitors.enabled");
        let nodes = self
            .settings
            .nodes()
            .iter()
            .any(|id| self.settings.bool(&format!("xmpp.visitors.{}.enabled", element(id))));
        if nodes && !visitors {
            let text = "is off, so the nodes below jicofo.xmpp.visitors get nobody; write enabled = true";
            self.say_off("visitors", "visitors.enabled", text);
        }
    }

    /// Strategies that nobody asks.
    fn strategies(&mut self) {
        let asking = "bridge.selection-strategy";
        let strategy = self.settings.text(asking).unwrap_or_default();
        for path in ["bridge.participant-selection-strategy", "bridge.visitor-selection-strategy"] {
            if self.settings.is_given(path) && strategy != "VisitorSelectionStrategy" {
                let text = format!(
                    "has no effect, as {asking} is {strategy}, which does not tell visitors from participants; write \
                     selection-strategy = VisitorSelectionStrategy, or remove the line"
                );
                self.say(Warning, path, text);
            }
        }
        let path = "bridge.topology-strategy";
        let topology = self.settings.text(path).unwrap_or_default();
        if topology == "VisitorTopologyStrategy" && !self.settings.bool("visitors.enabled") {
            let text = format!(
                "is {topology}, but visitors are off, so there is nobody whom it would place; write visitors.enabled = true, \
                 or remove the line"
            );
            self.say(Warning, path, text);
        }
    }

    fn region_groups(&mut self) {
        let path = "bridge.region-groups";
        let Some(Setting::RegionGroups(groups)) = self.settings.setting(path) else { return };
        let mut said = Vec::new();
        let mut seen: BTreeSet<&String> = BTreeSet::new();
        for group in groups {
            match group.as_slice() {
                [] => said.push("a group is empty; remove it".to_owned()),
                [one] => said.push(format!(
                    "the group of {one:?} has one region, which is close to itself anyway; add another, or remove it"
                )),
                _ => {}
            }
            for region in group {
                if !seen.insert(region) {
                    said.push(format!("{region:?} is named twice, the last group counts; name it once"));
                }
            }
        }
        if let Some(local) = self.settings.text("local-region").filter(|local| !seen.contains(local)) {
            if !groups.is_empty() {
                said.push(format!("local-region {local:?} is in no group; add it to one if bridges are near"));
            }
        }
        for text in said.into_iter().take(limits::PROBLEMS) {
            self.say(Warning, path, text);
        }
    }

    /// A warning that a section is off, which need not be said of each of its keys then.
    fn say_off(&mut self, section: &'static str, path: &str, text: impl Into<String>) {
        let before = self.problems_so_far();
        self.say(Warning, path, text);
        if self.problems_so_far() > before {
            self.said_off.push(section);
        }
    }

    /// Settings of what is off, where nobody said that it shall be.
    fn switched_off(&mut self) {
        for key in KEYS.iter().filter(|key| key.kind == Kind::Bool && key.default == Some("false")) {
            let Some(section) = key.path.strip_suffix("enabled").filter(|section| section.ends_with('.')) else {
                continue;
            };
            let switch = key.path.strip_prefix("jicofo.").unwrap_or(key.path);
            let name = switch.trim_end_matches(".enabled");
            if self.said_off.contains(&name) || self.settings.is_given(switch) {
                continue;
            }
            let of_it = |path: &&String| path.starts_with(section) && path.as_str() != key.path;
            // An old name decides about both connections, whichever there are; of what is not there yet it is said below.
            let written = |path: &&String| {
                let entry = &self.settings.entries[*path];
                !path.ends_with("disable-certificate-verification") && entry.is_written() && !entry.is_waiting()
            };
            let mut set = self.settings.entries.keys().filter(of_it).filter(written);
            let Some(first) = set.next() else { continue };
            let text = format!(
                "has no effect, as {} is off by default{}; write enabled = true there, or remove {}",
                section.trim_end_matches('.'),
                if name == "authentication" { ", so everybody may start conferences" } else { "" },
                if set.next().is_some() { "the section" } else { "the line" },
            );
            let path = first.strip_prefix("jicofo.").unwrap_or(first).to_owned();
            // Is that known?
            self.settings.bool(switch);
            self.say(Warning, &path, text);
        }
    }

    /// Checks whose results nobody can ask for.
    fn unasked_health(&mut self) {
        let (health, rest, port) = ("health.enabled", "rest.enabled", "rest.port");
        let off = match () {
            () if !self.settings.bool(rest) => "rest.enabled is false",
            () if self.settings.int::<i64>(port) <= 0 => "rest.port is 0",
            () => return,
        };
        if self.settings.bool(health) {
            let text = format!(
                "is on, but {off}, so there is no /about/health that could be asked for the result; switch HTTP on, or this off"
            );
            self.say(Warning, health, text);
        }
    }

    /// Two times in the wrong order.
    fn times(&mut self) {
        let order = [
            ("health.enabled", "health.max-check-duration", "health.timeout", "every slow check counts as none"),
            ("health.enabled", "health.interval", "health.timeout", "results are too old before the next check"),
            (
                "bridge.health-checks.enabled",
                "bridge.health-checks.retry-delay",
                "bridge.health-checks.interval",
                "the next check comes before the second try",
            ),
            (
                "transcription.ping.enabled",
                "transcription.ping.timeout",
                "transcription.ping.interval",
                "pings overtake their answers",
            ),
            (
                "translation.ping.enabled",
                "translation.ping.timeout",
                "translation.ping.interval",
                "pings overtake their answers",
            ),
        ];
        for (switch, short, long, why) in order {
            let (Some(less), Some(more)) =
                (self.settings.optional_duration(short), self.settings.optional_duration(long))
            else {
                continue;
            };
            if self.settings.bool(switch) && less >= more {
                self.say(Warning, short, format!("is not below {long}, so {why}; lower it, or raise the other"));
            }
        }
        let restarts = "conference.restart-request-rate-limits";
        let (between, per) = (format!("{restarts}.min-interval"), format!("{restarts}.interval"));
        let (between_value, per_value) = (self.settings.duration(&between), self.settings.duration(&per));
        if between_value > per_value {
            let text = format!("is above {per}, so max-requests is never reached; lower it, or raise the other");
            self.say(Warning, &between, text);
        }
        let initial = "conference.initial-timeout";
        if self.settings.optional_duration(initial).is_some_and(|wait| wait.is_zero()) {
            let text = "is 0, so nobody would have the time to come; at least 1 second is waited; give it some seconds";
            self.say(Warning, initial, text.to_owned());
        }
        let per = "bridge.max-bridge-participants-per-interval";
        let interval = "bridge.max-bridge-participants-interval";
        if self.settings.int::<i64>(per) > 0 && self.settings.duration(interval).is_zero() {
            self.say(Warning, interval, format!("is 0, so {per} limits nothing; give it a duration"));
        }
    }

    /// 80 written for 80%.
    fn stress(&mut self) {
        for path in [
            "bridge.stress-threshold",
            "bridge.average-participant-stress",
            "bridge.load-redistribution.stress-threshold",
            "bridge.ice-failure-detection.threshold",
        ] {
            let value = self.settings.double(path);
            if value > 1.0 {
                let text =
                    format!("{value} is more than everything, so it is never reached; 0.8 and 80% are 80 percent");
                self.say(Warning, path, text);
            }
        }
    }

    /// Meetings that grow are signaled more seldom, not more often.
    fn delays(&mut self) {
        let path = "conference.source-signaling-delays";
        let Some(Setting::Delays(delays)) = self.settings.setting(path) else { return };
        let steps: Vec<_> = delays.iter().collect();
        let falls = steps.windows(2).find(|pair| pair[1].1 < pair[0].1);
        if let Some([(small, _), (large, _)]) = falls {
            let text = format!("from {large} participants it is less than from {small}; delays grow with the meeting");
            self.say(Warning, path, text);
        }
    }

    fn codecs(&mut self) {
        let video = ["vp8", "vp9", "h264", "av1"];
        let offered = |codec: &&str| {
            let path = format!("codec.video.{codec}");
            self.settings.bool(&format!("{path}.enabled")) && self.settings.int::<i64>(&format!("{path}.pt")) > 0
        };
        if !video.iter().any(offered) {
            let text =
                "is off like all other codecs for video, so nobody has a camera; enable one that all clients have";
            self.say(Warning, "codec.video.vp8.enabled", text);
        }
    }

    /// jibri-untrusted.
    fn recorders(&mut self) {
        let recorders = ["jibri.brewery-jid", "jibri-sip.brewery-jid"];
        let trusted = self.settings.setting("xmpp.trusted-domains");
        let none = !matches!(trusted, Some(Setting::Domains(domains)) if !domains.is_empty());
        if none && recorders.iter().any(|path| !self.settings.is_unset(path)) {
            let domain = self.settings.text("xmpp.client.xmpp-domain").unwrap_or_else(|| "meet.example.com".into());
            let text = format!(
                "is empty, so recorders count as ordinary participants; write trusted-domains = [\"recorder.{domain}\"], the \
                 domain on which they log in"
            );
            self.say(Warning, "xmpp.trusted-domains", text);
        }
    }

    /// no-tls.
    fn clear_text(&mut self) {
        for section in ["xmpp.client", "xmpp.service"] {
            let used = section == "xmpp.client" || self.settings.bool("xmpp.service.enabled");
            let path = format!("{section}.use-tls");
            let host = self.settings.text(&format!("{section}.hostname")).unwrap_or_default();
            let local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
            if used && !local && !self.settings.bool(&path) {
                let text =
                    format!("is false, so all that is said with {host} can be read on the way; write use-tls = true");
                self.say(Warning, &path, text);
            }
        }
    }

    fn urls(&mut self) {
        for (path, schemes) in [
            ("transcription.url-template", ["ws://", "wss://"]),
            ("translation.url-template", ["ws://", "wss://"]),
            ("tracing.otlp-endpoint", ["http://", "https://"]),
        ] {
            let Some(url) = self.settings.text(path) else { continue };
            if !schemes.iter().any(|scheme| url.starts_with(scheme)) {
                self.say(
                    Warning,
                    path,
                    format!("does not begin with {} or {}; write the whole URL", schemes[0], schemes[1]),
                );
            }
        }
    }
}
