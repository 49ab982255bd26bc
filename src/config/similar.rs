//! What a person may have meant by a name that nothing reads. A guess is told only if it is a good one: a wrong one costs more
//! time than none.

use std::collections::BTreeSet;

use super::schema::KEYS;
use super::typed::Kind;

/// More guesses than these are none.
const GUESSES: usize = 4;

/// What one element too many or too few costs.
const ELEMENT: usize = 3;

/// The dearest difference that is still a likeness: an element and a typing error.
const DEAREST: usize = 4;

/// Paths of keys that are like `path`: misspelt, with an element too many or too few, or in another section.
pub(super) fn keys(path: &[&str]) -> Vec<String> {
    let found = likest(path, KEYS.iter().map(|key| key.path));
    if found.is_empty() { elsewhere(path) } else { found }
}

/// The same for what holds other values: sections, and keys whose value is an object.
pub(super) fn sections(path: &[&str]) -> Vec<String> {
    let mut sections: BTreeSet<&str> =
        KEYS.iter().filter(|key| matches!(key.kind, Kind::Delays | Kind::Map)).map(|key| key.path).collect();
    for key in KEYS {
        sections.extend(key.path.match_indices('.').map(|(at, _)| &key.path[..at]));
    }
    // Where visitor nodes are, any name is one.
    sections.retain(|section| !section.ends_with('*'));
    likest(path, sections.into_iter())
}

/// "did you mean a or b?"
pub(super) fn question(guesses: &[String]) -> Option<String> {
    let (last, others) = guesses.split_last()?;
    let others = others.join(", ");
    Some(if others.is_empty() { format!("did you mean {last}?") } else { format!("did you mean {others} or {last}?") })
}

/// The old name (spec/70 §6) that is like `name`.
pub(super) fn legacy(name: &str) -> Option<&'static str> {
    let tail = |name: &str| name.rsplit('.').next().unwrap_or_default().to_ascii_uppercase();
    let (wanted, upper) = (tail(name), name.to_ascii_uppercase());
    let allowed = match wanted.len() {
        ..=12 => 1,
        13..=20 => 2,
        _ => 3,
    };
    // Names whose lengths differ by more need no comparison, which is most of the work there is about a file.
    let near = |a: &str, b: &str| a.chars().count().abs_diff(b.chars().count()) <= allowed;
    let known = KEYS.iter().flat_map(|key| key.legacy).map(|legacy| legacy.name).filter(|known| near(name, known));
    let best = known.map(|known| (distance(&upper, &known.to_ascii_uppercase()), known)).min();
    if let Some((_, found)) = best.filter(|(far, _)| *far <= allowed) {
        return Some(found);
    }
    // Of the same name, or one that is like it, in another package of the original.
    let ours = super::legacy::OURS.iter().any(|prefix| name.starts_with(prefix));
    let mut known = KEYS.iter().flat_map(|key| key.legacy).map(|legacy| legacy.name);
    known.find(|known| ours && near(&wanted, &tail(known)) && distance(&wanted, &tail(known)) < allowed)
}

/// The one of these variables that is like `name`: misspelt, or a word too many or too few.
pub(super) fn variable(name: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let words: Vec<&str> = name.split('_').collect();
    let near = known.filter_map(|known| {
        let lower = known.to_ascii_lowercase();
        let cost = cost(&words, &lower.split('_').collect::<Vec<_>>()).filter(|cost| *cost <= DEAREST)?;
        Some((cost, distance(name, known), known))
    });
    near.min().map(|(_, _, known)| known)
}

/// The cheapest of the candidates, if they are cheap, and few.
fn likest(path: &[&str], candidates: impl Iterator<Item = &'static str>) -> Vec<String> {
    let mut best = DEAREST;
    let mut found: Vec<String> = Vec::new();
    for candidate in candidates {
        let elements = named(candidate, path);
        let Some(cost) = cost(path, &elements).filter(|cost| *cost <= best) else { continue };
        if cost < best {
            best = cost;
            found.clear();
        }
        found.push(elements.join("."));
    }
    found.dedup();
    if found.len() > GUESSES { Vec::new() } else { found }
}

/// Keys of the same name in other sections, if that name says something.
fn elsewhere(path: &[&str]) -> Vec<String> {
    let Some(name) = path.last().map(|name| plain(name)).filter(|name| name.len() > 4) else { return Vec::new() };
    let found: Vec<String> = of_name(&name).map(|known| named(known, path).join(".")).collect();
    if found.len() > GUESSES { Vec::new() } else { found }
}

/// The keys whose last element is this: `enabled` has many.
fn of_name(name: &str) -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|key| key.path).filter(move |path| path.rsplit('.').next() == Some(name))
}

/// The elements of a known path, with the person's name for a visitor node.
fn named<'p>(known: &'static str, path: &[&'p str]) -> Vec<&'p str> {
    known
        .split('.')
        .enumerate()
        .map(|(at, element)| match element {
            "*" => path.get(at).copied().unwrap_or("v1"),
            element => element,
        })
        .collect()
}

/// How far two paths are from each other. None: too far in one element.
fn cost(path: &[&str], known: &[&str]) -> Option<usize> {
    let path: Vec<String> = path.iter().map(|element| plain(element)).collect();
    let misplaced_dot = if path.len() == known.len() {
        None
    } else {
        let (path, known) = (path.join("."), known.join("."));
        let near = path.len().abs_diff(known.len()) <= 2;
        near.then(|| distance(&path, &known)).filter(|cost| *cost <= 2)
    };
    aligned(&path, known).into_iter().chain(misplaced_dot).min()
}

/// The edit distance of two lists of elements: each may be spelt a bit differently, be there or not.
fn aligned(path: &[String], known: &[&str]) -> Option<usize> {
    const FAR: usize = 1_000_000;
    let says_nothing = path.last().is_some_and(|name| of_name(name).count() > GUESSES);
    let mut row: Vec<usize> = (0..=known.len()).map(|missing| missing * ELEMENT).collect();
    for (i, element) in path.iter().enumerate() {
        let mut next = vec![(i + 1) * ELEMENT; known.len() + 1];
        for (j, other) in known.iter().enumerate() {
            let change = row[j] + spelling(element, other).unwrap_or(FAR);
            // The last element is what is meant: without it nothing is alike.
            let last = i + 1 == path.len() || j + 1 == known.len();
            let missing = if last { FAR } else { ELEMENT };
            // `rest.foo.enabled` is not meant to be `rest.enabled`.
            let too_many = if last || says_nothing { FAR } else { ELEMENT };
            next[j + 1] = change.min(row[j + 1] + too_many).min(next[j] + missing);
        }
        row = next;
    }
    row.last().copied().filter(|cost| *cost < FAR)
}

/// How far one name is from another. None: they are two names.
fn spelling(name: &str, known: &str) -> Option<usize> {
    if name == known {
        return Some(0);
    }
    let (short, long) = if name.len() < known.len() { (name, known) } else { (known, name) };
    let part = (short.len() >= 4 && (long.starts_with(short) || long.ends_with(short))).then_some(3);
    let allowed = (known.len() / 3).max(1);
    // Most names are of another length: to compare them would be most of the work.
    if long.len() - short.len() > allowed {
        return part;
    }
    Some(distance(name, known)).filter(|far| *far <= allowed).or(part)
}

/// `brewery_jid`, `breweryJid` and `BREWERY-JID` as a key would be spelt.
fn plain(name: &str) -> String {
    let mut plain = String::new();
    let mut lower_before = false;
    for c in name.chars().take(100) {
        if c.is_ascii_uppercase() && lower_before {
            plain.push('-');
        }
        lower_before = c.is_ascii_lowercase();
        plain.push(if c == '_' { '-' } else { c.to_ascii_lowercase() });
    }
    plain
}

/// Edit distance, a swap of neighbours counting as one.
pub fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(200).collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut next = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = row[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            next[j] = change.min(row[j] + 1).min(next[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                next[j] = next[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_likened_to_what_it_may_mean_and_to_nothing_else() {
        for (name, meant) in [
            ("jicofo.bridge.strees-threshold", "jicofo.bridge.stress-threshold"),
            ("jicofo.bridge.stressThreshold", "jicofo.bridge.stress-threshold"),
            ("jicofo.bridge.brewery_jid", "jicofo.bridge.brewery-jid"),
            ("jicofo.xmpp.client.host", "jicofo.xmpp.client.hostname"),
            ("jicofo.xmpp.clinet.port", "jicofo.xmpp.client.port"),
            ("jicofo.client.port", "jicofo.xmpp.client.port"),
            ("jicofo.client.prot", "jicofo.xmpp.client.port"),
            ("jicofo.xmpp-client-port", "jicofo.xmpp.client.port"),
            ("jicofo.rest.pin-enabled", "jicofo.rest.pin.enabled"),
            ("jicofo.bridge.octo.sctp-datachannels", "jicofo.octo.sctp-datachannels"),
            ("jicofo.conference.max-bridge-participants", "jicofo.bridge.max-bridge-participants"),
            ("jicofo.xmpp.visitors.n1.hostnme", "jicofo.xmpp.visitors.n1.hostname"),
            ("jicofo.auth.login-url", "jicofo.authentication.login-url"),
            (
                "jicofo.conference.stress-threshold",
                "jicofo.bridge.stress-threshold|jicofo.bridge.load-redistribution.stress-threshold",
            ),
            ("jicofo.rest.foo.enabled", ""),
            ("jicofo.rest.foo", ""),
            ("jicofo.enabled", ""),
            ("jicofo.colour", ""),
            ("jicofo.xmpp.client.realm", ""),
        ] {
            assert_eq!(keys(&name.split('.').collect::<Vec<_>>()).join("|"), meant, "{name}");
        }
        for (name, meant) in [
            ("jicofo.brdge", "jicofo.bridge"),
            ("jicofo.client", "jicofo.xmpp.client"),
            ("jicofo.xmpp.visitor", "jicofo.xmpp.visitors"),
            ("jicofo.health-checks", "jicofo.bridge.health-checks|jicofo.health"),
            ("jicofo.codec.vp8", "jicofo.codec.video.vp8"),
            ("jicofo.transcription.headers", "jicofo.transcription.http-headers"),
            ("jicofo.auth", "jicofo.authentication"),
            ("jicofo.bridge.octo", "jicofo.octo"),
            ("jicofo.rest.foo", ""),
            ("jicofo.colours", ""),
        ] {
            assert_eq!(sections(&name.split('.').collect::<Vec<_>>()).join("|"), meant, "{name}");
        }
    }

    #[test]
    fn an_old_name_is_likened_to_an_old_name() {
        for (name, meant) in [
            ("org.jitsi.jicofo.BRIGDE_MUC", Some("org.jitsi.jicofo.BRIDGE_MUC")),
            ("org.jitsi.jicofo.bridge_muc", Some("org.jitsi.jicofo.BRIDGE_MUC")),
            ("org.jisti.jicofo.FOCUS_USER_DOMAIN", Some("org.jitsi.jicofo.FOCUS_USER_DOMAIN")),
            ("org.jitsi.jicofo.FOCUS_USER_PASWORD", Some("org.jitsi.jicofo.FOCUS_USER_PASSWORD")),
            ("org.jitsi.focus.BRIDGE_MUC", Some("org.jitsi.jicofo.BRIDGE_MUC")),
            (
                "org.jitsi.jicofo.MAX_PARTICIPANTS_PER_BRIDGE",
                Some("org.jitsi.jicofo.BridgeSelector.MAX_PARTICIPANTS_PER_BRIDGE"),
            ),
            // These were read once.
            ("org.jitsi.jicofo.PING_INTERVAL", None),
            ("org.jitsi.jicofo.STATS_ENABLED", None),
            ("org.jitsi.jicofo.SHORT_ID", None),
            ("org.jitsi.jicofo.ENABLE_TCC", None),
            ("org.jitsi.videobridge.HOSTNAME", None),
        ] {
            assert_eq!(legacy(name), meant, "{name}");
        }
    }
}
