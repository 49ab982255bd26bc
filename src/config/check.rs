//! What follows from one key for another: missing values, combinations that cannot work, values that follow (spec/70 §4, §5).

use super::hocon::{Node, limits};
use super::log_names;
use super::problem::{Origin, Problem, Severity};
use super::schema::{element, elements};
use super::settings::Settings;
use super::sources::{Flag, Sources};
use super::typed::Setting;

/// Values that follow from others where nobody gave them.
pub(super) fn derive(settings: &mut Settings, sources: &Sources, problems: &mut Vec<Problem>) {
    let client = |name: &str| format!("xmpp.client.{name}");
    if sources.is_classic() {
        // spec/10 §10.1: the domain stands in for the host, and the host for the domain.
        let (domain, host) = (sources.flag(Flag::Domain), sources.flag(Flag::Host));
        if let Some(domain) = domain.filter(|_| !settings.is_given("xmpp.client.hostname")) {
            settings.derive(&client("hostname"), domain, "--domain");
        }
        if let Some(host) = host.filter(|_| settings.is_unset("xmpp.client.xmpp-domain")) {
            settings.derive(&client("xmpp-domain"), host, "--host");
        }
        if let Some(domain) = settings.text("xmpp.client.xmpp-domain") {
            if settings.is_unset("xmpp.client.domain") {
                settings.derive(&client("domain"), &format!("auth.{domain}"), "--domain");
            }
            if settings.is_unset("bridge.brewery-jid") {
                let room = format!("jvbbrewery@internal.auth.{domain}");
                settings.derive("bridge.brewery-jid", &room, "--domain");
                let text = format!("no bridge brewery is configured; {room} is assumed, set this key if it is another");
                problems
                    .push(Problem::warning(text).at(Origin::Flag("--domain".into())).key("jicofo.bridge.brewery-jid"));
            }
        }
    }
    if sources.is_classic()
        && settings.text("xmpp.client.password").is_none()
        && !settings.is_given("xmpp.client.anonymous")
    {
        settings.derive(&client("anonymous"), "true", "flags without a password");
    }
    if let Some(domain) = settings.text("xmpp.client.xmpp-domain") {
        if settings.is_unset("xmpp.client.conference-muc-jid") {
            settings.derive(&client("conference-muc-jid"), &format!("conference.{domain}"), "xmpp.client.xmpp-domain");
        }
        if settings.is_unset("xmpp.component.domain") {
            settings.derive("xmpp.component.domain", &domain, "xmpp.client.xmpp-domain");
        }
    }
    for (path, from) in [
        ("xmpp.client.conference-muc-jid", "xmpp.client.xmpp-domain"),
        ("xmpp.component.domain", "xmpp.client.xmpp-domain"),
        ("xmpp.component.hostname", "xmpp.client.hostname"),
    ] {
        if settings.is_unknown(from) && !settings.is_given(path) {
            settings.not_known_either(path);
        }
    }
    if settings.is_unset("xmpp.component.hostname")
        && let Some(host) = settings.text("xmpp.client.hostname")
    {
        settings.derive("xmpp.component.hostname", &host, "xmpp.client.hostname");
    }
}

pub(super) struct Check<'c> {
    pub(super) settings: &'c Settings,
    places: Places<'c>,
    problems: &'c mut Vec<Problem>,
    /// Sections of which it was said that they are off.
    pub(super) said_off: Vec<&'static str>,
}

/// Where a person would write what is missing.
pub(super) struct Places<'p> {
    /// All files, merged.
    pub(super) root: &'p Node,
    /// The file that the person named.
    pub(super) file: Option<&'p str>,
}

impl Places<'_> {
    /// The innermost section of the files that would hold a key; without any, the file.
    fn of_missing(&self, key: &str) -> Option<Origin> {
        let mut place = self.file.map(Origin::whole_file);
        let mut node = self.root;
        for name in elements(key) {
            let Some(inner) = node.as_object().and_then(|fields| fields.get(&name)) else { break };
            node = inner;
            if node.as_object().is_some() && !node.origin.is_default() {
                place = Some(node.origin.clone());
            }
        }
        place
    }
}

pub(super) fn check(settings: &Settings, sources: &Sources, places: Places<'_>, problems: &mut Vec<Problem>) {
    settings.take_missed();
    let mut check = Check { settings, places, problems, said_off: Vec::new() };
    let classic = sources.is_classic();
    check.part(|check| check.client(classic));
    check.part(Check::service);
    check.part(Check::visitors);
    check.part(Check::component);
    check.part(Check::authentication);
    check.part(Check::bridges);
    check.part(Check::payload_types);
    check.part(Check::extensions);
    check.part(Check::others);
    check.contradictions(classic);
    check.part(Check::levels);
    check.part(Check::not_effective);
}

/// The path of a key with its root.
fn whole(path: &str) -> String {
    if path.starts_with("tracing.") { path.to_owned() } else { format!("jicofo.{path}") }
}

impl Check<'_> {
    /// One thing to look at. What it says once it has asked for a value that could not be found out is not said: it would be about
    /// a value that nobody wrote.
    pub(super) fn part(&mut self, look: impl FnOnce(&mut Self)) {
        look(self);
        self.settings.take_missed();
    }

    pub(super) fn say(&mut self, severity: Severity, path: &str, text: impl Into<String>) {
        // But what must hinder the start does, if nothing else hinders it already.
        let hindered = self.problems.iter().any(|problem| problem.severity == Severity::Error);
        if self.settings.has_missed() && (severity == Severity::Warning || hindered) {
            return;
        }
        let key = whole(path);
        let place = self.place(&key);
        let problem = Problem::new(severity, text).key(key);
        self.problems.push(match place {
            Some(place) => problem.at(place),
            None => problem,
        });
    }

    /// Where a value was written, or that from which it follows; else where it would be.
    fn place(&self, key: &str) -> Option<Origin> {
        let origin = |key: &str| self.settings.entries.get(key).map(|entry| entry.origin.clone());
        let place = match origin(key) {
            Some(Origin::Derived(from)) => origin(&format!("jicofo.{from}")).or(Some(Origin::Derived(from))),
            other => other,
        };
        place.filter(|origin| !origin.is_default()).or_else(|| self.places.of_missing(key))
    }

    pub(super) fn problems_so_far(&self) -> usize {
        self.problems.len()
    }

    fn require(&mut self, path: &str, why: &str) {
        let key = whole(path);
        // Or the file that should have had it is.
        let is_it = |other: &str| other == key || other.strip_suffix("-file") == Some(&key);
        let wrong_already = |p: &Problem| p.severity == Severity::Error && p.key.as_deref().is_some_and(is_it);
        if self.settings.text(path).is_none() && !self.problems.iter().any(wrong_already) {
            self.say(Severity::Error, path, why);
        }
    }

    fn is_told(&self, path: &str) -> bool {
        let key = whole(path);
        self.problems.iter().any(|problem| problem.key.as_ref() == Some(&key))
    }

    /// What a switch asks for. If it is all that there is of its section, it is where the section begins.
    fn require_with(&mut self, switch: &str, path: &str, why: &str) {
        let before = self.problems.len();
        self.require(path, why);
        let section = format!("jicofo.{}", switch.rsplit_once('.').map_or(switch, |(section, _)| section));
        let written = self.places.root.get(&section).is_some_and(|node| !node.origin.is_default());
        let origin = &self.settings.entry(switch).origin;
        if let Some(problem) = self.problems.get_mut(before).filter(|_| !written && !origin.is_default()) {
            problem.origin = Some(origin.clone());
        }
    }

    fn client(&mut self, classic: bool) {
        self.require("xmpp.client.domain", "is required; set it to the login domain, usually auth. and your domain");
        let (password, anonymous) = ("xmpp.client.password", "xmpp.client.anonymous");
        match (self.settings.text(password), self.settings.bool(anonymous)) {
            (None, true) if classic => {
                let text = "there is no password; the focus logs in anonymously, as in old versions";
                self.say(Severity::Warning, password, text);
            }
            (None, true) => {}
            (None, false) => self.require(password, "is required; set it to the password of the focus account"),
            (Some(_), true) => {
                self.say(Severity::Warning, anonymous, "has no effect, as there is a password; remove one of them");
            }
            (Some(_), false) => {}
        }
        let username = self.settings.text("xmpp.client.username").unwrap_or_default();
        if username != "focus" {
            let text =
                "clients know the focus by the nick `focus`, so that stays its nick; this changes the account only";
            self.say(Severity::Warning, "xmpp.client.username", text);
        }
        if self.settings.text("xmpp.client.xmpp-domain").is_none() {
            let text =
                "is not set, so lobby, breakout rooms, moderation and visitors cannot be found; set it to your domain";
            self.say(Severity::Warning, "xmpp.client.xmpp-domain", text);
        }
        let enabled = "xmpp.client.enabled";
        if self.settings.is_given(enabled) && !self.settings.bool(enabled) {
            let text = "has no effect, as the client connection is always made; remove the line";
            self.say(Severity::Warning, enabled, text);
        }
        self.account("xmpp.client");
    }

    fn account(&mut self, section: &str) {
        self.require(&format!("{section}.hostname"), "is required; set it to the XMPP server's host");
        self.require(&format!("{section}.username"), "must not be blank; remove the line for `focus`");
        let path = format!("{section}.disable-certificate-verification");
        if self.settings.bool(&path) {
            let text =
                "certificates are not checked, so anyone in between can read the password; set it to false if you can";
            self.say(Severity::Warning, &path, text);
        }
    }

    fn service(&mut self) {
        if self.settings.bool("xmpp.service.enabled") {
            self.account("xmpp.service");
            self.require_with(
                "xmpp.service.enabled",
                "xmpp.service.domain",
                "is required if xmpp.service is enabled; set it to its login domain",
            );
            self.require_with(
                "xmpp.service.enabled",
                "xmpp.service.password",
                "is required if xmpp.service is enabled; set it",
            );
        }
    }

    fn visitors(&mut self) {
        let mut nodes = 0;
        for id in self.settings.nodes() {
            let at = |name: &str| format!("xmpp.visitors.{}.{name}", element(&id));
            if !self.settings.bool(&at("enabled")) {
                continue;
            }
            nodes += 1;
            self.require(&at("hostname"), "is required; set it to the visitor node's host");
            self.require(&at("conference-service"), "is required; set it to the visitor node's room domain");
            if self.settings.text(&at("password")).is_none() {
                let text = "is not set, so the focus cannot log in there and no visitor is sent there; set it";
                self.say(Severity::Warning, &at("password"), text);
            }
            let (domain, rooms) =
                (self.settings.text(&at("xmpp-domain")), self.settings.text(&at("conference-service")));
            match (domain, rooms) {
                (None, _) => {
                    let text = "is not set, so no visitor can be sent to this node; set it to the node's domain";
                    self.say(Severity::Warning, &at("xmpp-domain"), text);
                }
                (Some(domain), Some(rooms)) if !rooms.ends_with(&format!(".{domain}")) => {
                    let text =
                        format!("visitor rooms will be below {domain}, not here; set it to a room domain below that");
                    self.say(Severity::Warning, &at("conference-service"), text);
                }
                _ => {}
            }
        }
        if self.settings.bool("visitors.enabled") && nodes == 0 {
            let text = "is on, but there is no visitor node; add one below jicofo.xmpp.visitors";
            self.say(Severity::Warning, "visitors.enabled", text);
        }
    }

    fn component(&mut self) {
        if self.settings.text("xmpp.component.secret").is_some() {
            let why = "is required for a component; set it, xmpp.client.xmpp-domain, or --domain";
            self.require("xmpp.component.domain", why);
            self.require("xmpp.component.subdomain", "must not be blank; remove the line for `focus`");
            let (label, domain) =
                (self.settings.text("xmpp.component.subdomain"), self.settings.text("xmpp.component.domain"));
            if let (Some(label), Some(domain)) = (label, domain)
                && label.ends_with(&domain)
            {
                let text = format!(
                    "holds the domain already, so the component would be {label}.{domain}; write the first label only"
                );
                self.say(Severity::Warning, "xmpp.component.subdomain", text);
            }
        }
    }

    fn authentication(&mut self) {
        let kind = self.settings.text("authentication.type");
        let enabled = self.settings.bool("authentication.enabled");
        match kind.as_deref() {
            // A type that is wrong was told, and is no NONE.
            Some("NONE") | None if enabled && !self.is_told("authentication.type") => {
                let text =
                    "is NONE although authentication is enabled, so everybody may start conferences; set XMPP or JWT";
                self.say(Severity::Warning, "authentication.type", text);
            }
            Some("XMPP" | "JWT") if enabled => {
                let why = "is required if authentication is enabled; set it to the domain of users who have logged in";
                self.require_with("authentication.enabled", "authentication.login-url", why);
            }
            _ => {}
        }
    }

    fn bridges(&mut self) {
        if self.settings.is_unset("bridge.brewery-jid") && !self.is_told("bridge.brewery-jid") {
            let text = "no bridge brewery is configured, so no bridge will be found and no conference work; set \
                        jicofo.bridge.brewery-jid to the room in which your bridges are";
            self.say(Severity::Warning, "bridge.brewery-jid", text);
        }
        if self.settings.text("bridge.selection-strategy").as_deref() == Some("VisitorSelectionStrategy") {
            for path in ["bridge.participant-selection-strategy", "bridge.visitor-selection-strategy"] {
                self.require(path, "is required with VisitorSelectionStrategy; set it to another strategy");
                if self.settings.text(path).as_deref() == Some("VisitorSelectionStrategy") {
                    self.say(
                        Severity::Error,
                        path,
                        "can't be VisitorSelectionStrategy itself; set it to another strategy",
                    );
                }
            }
        }
        let (stress, moved) = ("bridge.stress-threshold", "bridge.load-redistribution.stress-threshold");
        if self.settings.bool("bridge.load-redistribution.enabled")
            && self.settings.double(moved) <= self.settings.double(stress)
        {
            let text =
                "is not above bridge.stress-threshold, so endpoints move to bridges that are no better; raise it";
            self.say(Severity::Warning, moved, text);
        }
    }

    /// Two codecs with one payload type break every offer.
    fn payload_types(&mut self) {
        let mut taken: Vec<(i64, String)> = Vec::new();
        let mut used: Vec<String> = Vec::new();
        for codec in ["av1", "vp8", "vp9", "h264"] {
            if self.settings.bool(&format!("codec.video.{codec}.enabled")) {
                used.extend([format!("codec.video.{codec}.pt"), format!("codec.video.{codec}.rtx-pt")]);
            }
        }
        for codec in ["opus", "opus.red", "telephone-event"] {
            if self.settings.bool(&format!("codec.audio.{codec}.enabled")) {
                used.push(format!("codec.audio.{codec}.pt"));
            }
        }
        for path in used {
            self.unique(path, &mut taken);
        }
    }

    fn extensions(&mut self) {
        let ids: Vec<String> = self.settings.entries.keys().filter_map(|path| extension(path)).collect();
        let mut taken = Vec::new();
        for name in ids {
            if self.settings.bool(&format!("codec.rtp-extensions.{name}.enabled")) {
                self.unique(format!("codec.rtp-extensions.{name}.id"), &mut taken);
            }
        }
    }

    fn unique(&mut self, path: String, taken: &mut Vec<(i64, String)>) {
        let Some(Setting::Int(number @ 1..)) = self.settings.setting(&path) else { return };
        match taken.iter().find(|(n, _)| n == number) {
            Some((_, other)) => {
                // Of the two, the one that a person wrote is what can be changed.
                let (wrong, other) = if self.settings.is_given(&path) { (&path, other) } else { (other, &path) };
                // No default helps: browsers refuse every offer that has it.
                let text = format!("{number} is also that of jicofo.{other}; give each its own");
                self.say(Severity::Error, wrong, text);
            }
            None => taken.push((*number, path)),
        }
    }

    fn levels(&mut self) {
        let path = "logging.levels";
        let Some(Setting::Map(levels)) = self.settings.setting(path) else { return };
        for (module, level) in levels.clone().into_iter().take(limits::PROBLEMS) {
            if level.parse::<log::LevelFilter>().is_err() {
                let text = format!(
                    "{level:?} of {module:?} is no level, it is passed over; write off, error, warn, info, debug or trace"
                );
                self.say(Severity::Warning, path, text);
            }
            if let Some(meant) = log_names::wrong_module(&module) {
                let text = format!(
                    "there is no module {module:?}, so this level counts for nothing; did you mean \"{meant}\"?"
                );
                self.say(Severity::Warning, path, text);
            }
        }
    }

    fn others(&mut self) {
        let (ssrcs, groups) = ("conference.max-ssrcs-per-user", "conference.max-ssrc-groups-per-user");
        if self.settings.int::<i64>(ssrcs) > self.settings.int::<i64>(groups) {
            let text = "is above max-ssrc-groups-per-user, which does not follow it; raise that too";
            self.say(Severity::Warning, ssrcs, text);
        }
        let path = "transcription.url-template";
        if self.settings.text(path).is_some_and(|url| !url.contains("{{MEETING_ID}}")) {
            self.say(
                Severity::Warning,
                path,
                "does not contain {{MEETING_ID}}, so conferences cannot be told apart; add it",
            );
        }
        if self.settings.bool("tracing.enabled") {
            for path in ["tracing.otlp-endpoint", "tracing.otlp-protocol"] {
                self.require(path, "is required if tracing is enabled; set it");
            }
        }
    }

    /// Whoever sets what does nothing yet should know: in one line, as there may be many.
    fn not_effective(&mut self) {
        let waiting = self.settings.entries.iter().filter(|(_, entry)| entry.is_waiting());
        let waiting: Vec<(&String, &Origin)> = waiting.map(|(path, entry)| (path, &entry.origin)).collect();
        let Some((first, origin)) = waiting.first() else { return };
        let at = |other: &Origin| match (other, origin) {
            (Origin::File { file, line, column, .. }, Origin::File { file: same, .. }) if file == same => {
                format!("{line}:{column}")
            }
            _ => other.to_string(),
        };
        let others: Vec<String> =
            waiting[1..].iter().map(|(path, origin)| format!("{path} ({})", at(origin))).collect();
        let others = if others.is_empty() { String::new() } else { format!("; nor are {}", others.join(", ")) };
        let text = format!(
            "not effective yet, as this version does not have what it sets (the value is checked); leave it for a later one{others}"
        );
        self.problems.push(Problem::warning(text).at((*origin).clone()).key(first.as_str()));
    }
}

fn extension(path: &str) -> Option<String> {
    Some(path.strip_prefix("jicofo.codec.rtp-extensions.")?.strip_suffix(".id")?.to_owned())
}
