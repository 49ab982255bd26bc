//! Packets as the log shows them: without what would let a reader in (spec/80 §8).

use std::fmt;

use crate::config::schema::is_secret_name;

/// Attributes whose values let their bearer in: authentication sessions (spec/10 §3.1), ICE's credentials. Others by their names.
const ATTRIBUTES: [&str; 2] = ["session-id", "pwd"];

/// Elements whose text does: SASL's and those of components, which belong to the log-in, should they ever come later.
const ELEMENTS: [&str; 5] = ["handshake", "auth", "challenge", "response", "initial-response"];

/// The text of a stanza, with `…` in place of secrets.
pub(super) struct Shown<'a>(pub &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        // The element whose text is a secret, and how many of its name are open within each other.
        let mut hidden: Option<(&str, usize)> = None;
        while !rest.is_empty() {
            let (text, tag) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
            match hidden {
                Some(_) if !text.trim().is_empty() => f.write_str("…")?,
                _ => show_text(text, f)?,
            }
            let (tag, after) = tag.split_at(end_of_tag(tag));
            rest = after;
            let name = name_of(tag);
            show_tag(tag, f)?;
            let closes = tag.starts_with("</");
            let opens = !closes && !tag.is_empty() && !tag.ends_with("/>");
            hidden = match hidden {
                Some((secret, depth)) if secret == name => match (closes, opens) {
                    (true, _) if depth == 1 => None,
                    (true, _) => Some((secret, depth - 1)),
                    (_, true) => Some((secret, depth + 1)),
                    _ => hidden,
                },
                None if opens && holds_secret(name, tag) => Some((name, 1)),
                _ => hidden,
            };
        }
        Ok(())
    }
}

/// Where a tag that begins the text ends; a `>` in quotes does not end it.
fn end_of_tag(text: &str) -> usize {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '>') => return at + 1,
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
    }
    text.len()
}

/// The name of a tag's element, without its prefix.
fn name_of(tag: &str) -> &str {
    let name = tag.trim_start_matches(['<', '/']);
    let name = name.split(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).next().unwrap_or_default();
    name.rsplit(':').next().unwrap_or_default()
}

fn is_secret_attribute(name: &str) -> bool {
    ATTRIBUTES.contains(&name) || is_secret_name(name)
}

/// Is the text within this element a secret? Of a field of a form its name says so.
fn holds_secret(name: &str, tag: &str) -> bool {
    let field = || attributes(tag).any(|(attribute, value)| attribute == "var" && is_secret_name(&tag[value]));
    ELEMENTS.contains(&name) || is_secret_name(name) || (name == "field" && field())
}

/// Names of attributes, and where in the tag their values are. Of a tag that is cut off, the last value goes to its end.
fn attributes(tag: &str) -> impl Iterator<Item = (&str, std::ops::Range<usize>)> {
    let mut at = tag.find(char::is_whitespace).unwrap_or(tag.len());
    std::iter::from_fn(move || {
        let equals = at + tag[at..].find('=')?;
        let name = tag[at..equals].trim();
        let open = equals + 1 + tag[equals + 1..].find(['\'', '"'])?;
        let quote = tag[open..].chars().next()?;
        let start = open + 1;
        let end = tag[start..].find(quote).map_or(tag.len(), |length| start + length);
        at = (end + 1).min(tag.len());
        Some((name, start..end))
    })
}

fn show_tag(tag: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    // `<header name='Authorization' value='…'/>`, `<property name='…token' value='…'/>`
    let named = attributes(tag).any(|(name, value)| name == "name" && is_secret_name(&tag[value]));
    let mut shown = 0;
    for (name, value) in attributes(tag) {
        let hidden = match is_secret_attribute(name) || (named && name == "value") {
            true => Some(value.start),
            // What a URL is asked with: those of bridges' WebSockets have ICE's password there.
            false => tag[value.clone()].find("://").and_then(|scheme| {
                let query = tag[value.start + scheme..value.end].find('?')?;
                Some(value.start + scheme + query + 1)
            }),
        };
        if let Some(start) = hidden.filter(|start| *start < value.end) {
            f.write_str(&tag[shown..start])?;
            f.write_str("…")?;
            shown = value.end;
        }
    }
    f.write_str(&tag[shown..])
}

/// JSON in a message: strings whose name is one of secrets.
fn show_text(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let quote = if text.contains("&quot;") { "&quot;" } else { "\"" };
    let mut rest = text;
    while let Some((name, start)) = next_name(rest, quote) {
        let value = rest[start..].trim_start();
        let Some(value) = value.strip_prefix(quote).filter(|_| is_secret_name(name) || ATTRIBUTES.contains(&name))
        else {
            f.write_str(&rest[..start])?;
            rest = &rest[start..];
            continue;
        };
        f.write_str(&rest[..rest.len() - value.len()])?;
        f.write_str("…")?;
        let end = value.match_indices(quote).find(|(at, _)| !value[..*at].ends_with('\\'));
        rest = &value[end.map_or(value.len(), |(at, _)| at)..];
    }
    f.write_str(rest)
}

/// The next `"name" :`, and where what comes after it begins.
fn next_name<'t>(text: &'t str, quote: &str) -> Option<(&'t str, usize)> {
    text.match_indices(':').find_map(|(colon, _)| {
        let name = text[..colon].trim_end().strip_suffix(quote)?;
        Some((&name[name.rfind(quote)? + quote.len()..], colon + 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_is_asked_with_is_not_shown() {
        let packet = "<web-socket url='wss://jvb.x:443/colibri-ws/1/a/b?pwd=geheim&amp;x=1'/><a url='wss://b.x/c'/>";
        let shown = "<web-socket url='wss://jvb.x:443/colibri-ws/1/a/b?…'/><a url='wss://b.x/c'/>";
        assert_eq!(Shown(packet).to_string(), shown);
    }

    #[test]
    fn what_lets_its_bearer_in_is_not_shown() {
        for (stanza, shown) in [
            (
                "<iq id='1'><conference room='r@x' session-id='hush-1' token=\"hush-2\" ready='true'/></iq>",
                "<iq id='1'><conference room='r@x' session-id='…' token=\"…\" ready='true'/></iq>",
            ),
            ("<a token = 'hush' xsession-id='shown' b=''/>", "<a token = '…' xsession-id='shown' b=''/>"),
            ("<a session-id='hush", "<a session-id='…"),
            ("<a session-id=''/> token", "<a session-id=''/> token"),
            (
                "<presence><x xmlns='http://jabber.org/protocol/muc'><password>hush</password></x>shown</presence>",
                "<presence><x xmlns='http://jabber.org/protocol/muc'><password>…</password></x>shown</presence>",
            ),
            (
                "<x><field var='muc#roomconfig_roomsecret' type='text-private'><value>hush</value></field><field \
                 var='muc#roomconfig_whois'><value>shown</value></field></x>",
                "<x><field var='muc#roomconfig_roomsecret' type='text-private'><value>…</value></field><field \
                 var='muc#roomconfig_whois'><value>shown</value></field></x>",
            ),
            (
                "<dial><header name='JvbRoomPassword' value='hush'/><header name='JvbRoomName' value='r@x'/></dial>",
                "<dial><header name='JvbRoomPassword' value='…'/><header name='JvbRoomName' value='r@x'/></dial>",
            ),
            (
                "<http-header value='Bearer hush' name='Authorization'/>",
                "<http-header value='…' name='Authorization'/>",
            ),
            ("<transport ufrag='u' pwd='hush'/>", "<transport ufrag='u' pwd='…'/>"),
            ("<s:auth mechanism='PLAIN'>aHVzaA==</s:auth>", "<s:auth mechanism='PLAIN'>…</s:auth>"),
            ("<handshake>hush</handshake>", "<handshake>…</handshake>"),
            ("<secret>a<secret>hush</secret>hush</secret>shown", "<secret>…<secret>…</secret>…</secret>shown"),
            ("<password>hush", "<password>…"),
            ("<password/>shown", "<password/>shown"),
            ("<a b='>' token='hush'>shown</a>", "<a b='>' token='…'>shown</a>"),
            (
                "<m>{\"type\":\"x\",\"authToken\" : \"hush \\\" hush\",\"b\":\"shown\"}</m>",
                "<m>{\"type\":\"x\",\"authToken\" : \"…\",\"b\":\"shown\"}</m>",
            ),
            (
                "<m>{&quot;token&quot;:&quot;hush&quot;,&quot;n&quot;:1}</m>",
                "<m>{&quot;token&quot;:&quot;…&quot;,&quot;n&quot;:1}</m>",
            ),
            ("<body>at 12:30: \"token\" is a word</body>", "<body>at 12:30: \"token\" is a word</body>"),
            ("é<ü ö='ß' token='hush'>", "é<ü ö='ß' token='…'>"),
        ] {
            assert_eq!(Shown(stanza).to_string(), shown);
        }
    }

    /// Whatever is cut off, nothing panics.
    #[test]
    fn any_part_of_a_stanza_can_be_shown() {
        let stanza = "<iq><a:b token=\"é\" name='pass' value=\"x\"><field var='secret'><value>{\"a\":\"b\"}</value></field></a:b></iq>";
        for start in (0..stanza.len()).filter(|at| stanza.is_char_boundary(*at)) {
            for end in (start..=stanza.len()).filter(|at| stanza.is_char_boundary(*at)) {
                let _ = Shown(&stanza[start..end]).to_string();
            }
        }
    }
}
