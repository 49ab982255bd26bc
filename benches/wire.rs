//! What reading, writing and cutting cost, as ratios to what others take for the same in the same run.
//!
//!     cargo bench -p jicofo --bench wire
//!
//! Each figure is the best of many short turns, which the ways take one after the other: so that on a busy machine, too,
//! each has some to itself.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use jicofo::wire::sm::{Incoming, read_stanza};
use jicofo::wire::stanza::Stanza;
use jicofo::wire::xml;
use jicofo::xmpp::framing::{Frame, Framer};
use xmpp_parsers::iq::Iq;
use xmpp_parsers::jingle::Jingle;
use xmpp_parsers::presence::Presence;

const HEADER: &str =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";
const ROUNDS: usize = 300;
const TURN: Duration = Duration::from_micros(200);
/// Enough rounds, where one turn takes long.
const ENOUGH: Duration = Duration::from_secs(2);

/// The best time of one run of each way, in microseconds.
fn best<const N: usize>(mut ways: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut best = [f64::INFINITY; N];
    let all = Instant::now();
    for _ in 0..ROUNDS {
        if all.elapsed() > ENOUGH {
            break;
        }
        for (way, best) in ways.iter_mut().zip(&mut best) {
            let started = Instant::now();
            let mut runs = 0;
            while started.elapsed() < TURN || runs == 0 {
                way();
                runs += 1;
            }
            *best = best.min(started.elapsed().as_secs_f64() * 1e6 / f64::from(runs));
        }
    }
    best
}

fn recorded() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/traces");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).expect("the traces").map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort();
    let mut stanzas = Vec::new();
    for path in paths {
        for line in std::fs::read_to_string(path).expect("a trace").lines().skip(1) {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON lines");
            stanzas.push(line["xml"].as_str().expect("a stanza").to_owned());
        }
    }
    stanzas
}

/// The longest recorded stanza with this in it.
fn longest<'a>(stanzas: &'a [String], with: &str) -> &'a str {
    stanzas.iter().filter(|xml| xml.contains(with)).max_by_key(|xml| xml.len()).expect(with)
}

fn in_stream(xml: &str) -> String {
    format!("{HEADER}{xml}</stream:stream>")
}

fn stanza(document: &str) -> Stanza {
    match read_stanza(document) {
        Ok(Incoming::Stanza(stanza)) => stanza,
        other => panic!("{other:?}"),
    }
}

/// How xmpp-parsers reads it, and writes it again. False if it does not know all values.
fn xmpp_parsers_reads(xml: &[u8]) -> Option<Parsed> {
    if xml.starts_with(b"<presence") {
        return xso::from_bytes::<Presence>(xml).ok().map(|presence| Parsed::Presence(Box::new(presence)));
    }
    match xso::from_bytes::<Iq>(xml).ok()? {
        Iq::Set { payload, .. } if payload.name() == "jingle" => {
            Jingle::try_from(payload).ok().map(|jingle| Parsed::Jingle(Box::new(jingle)))
        }
        iq => Some(Parsed::Iq(Box::new(iq))),
    }
}

enum Parsed {
    Presence(Box<Presence>),
    Iq(Box<Iq>),
    Jingle(Box<Jingle>),
}

impl Parsed {
    fn write(&self) -> Vec<u8> {
        match self {
            Parsed::Presence(presence) => xso::to_vec(&**presence),
            Parsed::Iq(iq) => xso::to_vec(&**iq),
            Parsed::Jingle(jingle) => xso::to_vec(&**jingle),
        }
        .expect("it was read")
    }
}

fn reading_and_writing(stanzas: &[String]) {
    println!("reading: ratios to a bare roxmltree document; writing: to ours");
    println!(
        "{:20} {:>6} {:>9} {:>6} {:>8} {:>13} {:>9} {:>8} {:>13}",
        "stanza", "bytes", "document", "ours", "minidom", "xmpp-parsers", "write", "minidom", "xmpp-parsers"
    );
    for (name, with) in [
        ("session-initiate", "session-initiate"),
        ("session-accept", "session-accept"),
        ("conference-modify", "<conference-modify"),
        ("conference-modified", "<conference-modified"),
        ("bridge statistics", "<stats"),
        ("participant", "<SourceInfo"),
    ] {
        let xml = longest(stanzas, with);
        let with_ns = xml.replacen(' ', " xmlns='jabber:client' ", 1);
        let document = in_stream(xml);
        let ours = stanza(&document);
        let dom: minidom::Element = with_ns.parse().expect("XML");
        let parsed = xmpp_parsers_reads(with_ns.as_bytes());
        let mut out = String::new();
        let [roxmltree, read, minidom, parsers, write, dom_write, parsers_write] = best([
            &mut || drop(black_box(roxmltree::Document::parse(black_box(&document)))),
            &mut || drop(black_box(read_stanza(black_box(&document)))),
            &mut || drop(black_box(black_box(&with_ns).parse::<minidom::Element>())),
            &mut || drop(black_box(xmpp_parsers_reads(black_box(with_ns.as_bytes())))),
            &mut || {
                out.clear();
                xml::write_to(black_box(&ours), &mut out);
                black_box(&out);
            },
            &mut || {
                let mut out = Vec::new();
                black_box(&dom).write_to(&mut out).expect("a Vec takes all");
                black_box(out);
            },
            &mut || drop(black_box(parsed.as_ref().map(Parsed::write))),
        ]);
        let known = |ratio: f64| if parsed.is_some() { format!("{ratio:.1}") } else { format!("refused ({ratio:.1})") };
        println!(
            "{name:20} {:>6} {:>6.2} µs {:>6.2} {:>8.1} {:>13} {:>6.2} µs {:>8.1} {:>13}",
            xml.len(),
            roxmltree,
            read / roxmltree,
            minidom / roxmltree,
            known(parsers / roxmltree),
            write,
            dom_write / write,
            known(parsers_write / write),
        );
    }
}

fn cutting(stanzas: &[String]) {
    // Some 100 kB: more would not fit into one turn.
    let stanzas: Vec<&str> = stanzas.iter().step_by(60).map(String::as_str).collect();
    let stream = [HEADER, &stanzas.concat()].concat();
    let cut = |piece: usize| {
        let mut framer = Framer::new();
        let mut count = 0;
        for bytes in stream.as_bytes().chunks(piece) {
            framer.feed(bytes);
            while let Some(frame) = framer.next().expect("a stream") {
                black_box(frame);
                count += 1;
            }
        }
        assert_eq!(count, stanzas.len() + 1);
    };
    let [large, small] = best([&mut || cut(16 * 1024), &mut || cut(1460)]);
    let kilobytes = stream.len() as f64 / 1000.0;
    println!(
        "\ncutting, with the copy: {:.2} µs/kB in pieces of 16 kB, {:.2} in pieces of 1,460 bytes",
        large / kilobytes,
        small / kilobytes
    );
}

fn linearity() {
    println!("\nsource-add of n sources, µs for one source");
    for n in [5, 50, 500, 5_000] {
        let sources: String = (0..n)
            .map(|i| {
                format!(
                    "<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='{i}' name='abcd{i}-v0'>\
                     <ssrc-info xmlns='http://jitsi.org/jitmeet' owner='abcd{i}'/>\
                     <parameter xmlns='urn:xmpp:jingle:apps:rtp:1' name='msid' value='abcd{i}-video-0-1 1234-5678'/></source>"
                )
            })
            .collect();
        let document = in_stream(&format!(
            "<iq type='set' id='1'><jingle xmlns='urn:xmpp:jingle:1' action='source-add' sid='s'><content name='video'>\
             <description xmlns='urn:xmpp:jingle:apps:rtp:1' media='video'>{sources}</description></content></jingle></iq>"
        ));
        let ours = stanza(&document);
        let mut out = String::new();
        let [roxmltree, read, write] = best([
            &mut || drop(black_box(roxmltree::Document::parse(black_box(&document)))),
            &mut || drop(black_box(read_stanza(black_box(&document)))),
            &mut || {
                out.clear();
                xml::write_to(black_box(&ours), &mut out);
            },
        ]);
        let each = |time: f64| time / f64::from(n);
        println!(
            "{n:>6}  {:>8} bytes   document {:.3}   read {:.3}   write {:.3}",
            document.len(),
            each(roxmltree),
            each(read),
            each(write)
        );
    }
}

/// Stanzas made to be slow, of 250 kB: a client can send no longer ones through Prosody.
fn hostile() {
    println!("\nhostile stanzas: cut, and read where they are let through");
    let repeat = |piece: &dyn Fn(usize) -> String| {
        let mut text = String::new();
        while text.len() < 250_000 {
            text += &piece(text.len());
        }
        text
    };
    let prefixes = |n: usize| -> String { (0..n).map(|i| format!(" xmlns:p{i}='u{i}'")).collect() };
    let cases = [
        ("25,000 attributes", format!("<iq type='set' id='1'><x{}/></iq>", repeat(&|i| format!(" a{i}='1'")))),
        ("32 attributes a tag", {
            let attributes: String = (0..32).map(|i| format!(" a{i}=''")).collect();
            format!("<presence>{}</presence>", repeat(&|_| format!("<x{attributes}/>")))
        }),
        (
            "500 prefixes, children with xmlns",
            format!("<presence{}>{}</presence>", prefixes(500), repeat(&|i| format!("<x xmlns='u{i}'/>"))),
        ),
        (
            "16 prefixes, children with xmlns",
            format!("<presence{}>{}</presence>", prefixes(16), repeat(&|i| format!("<x xmlns='u{i}'/>"))),
        ),
        ("deep", format!("<presence>{}", repeat(&|_| "<a>".into())) + &"</a>".repeat(83_334) + "</presence>"),
        ("64 deep, again and again", {
            let one = "<a>".repeat(60) + &"</a>".repeat(60);
            format!("<presence>{}</presence>", repeat(&|_| one.clone()))
        }),
        ("one attribute", format!("<presence id='{}'/>", "x".repeat(250_000))),
        ("references", format!("<presence><status>{}</status></presence>", repeat(&|_| "&amp;".into()))),
        ("CDATA sections", format!("<presence><status>{}</status></presence>", repeat(&|_| "<![CDATA[x]]>".into()))),
        ("text in pieces", format!("<presence><status>{}</status></presence>", repeat(&|_| "x<a/>".into()))),
        ("small unknown children", format!("<presence>{}</presence>", repeat(&|_| "<a/>".into()))),
        ("long namespace used often", {
            let ns = "n".repeat(256);
            format!("<presence xmlns:p='{ns}'>{}</presence>", repeat(&|_| "<p:a/>".into()))
        }),
        (
            "statistics",
            format!(
                "<presence><stats xmlns='http://jitsi.org/protocol/colibri'>{}</stats></presence>",
                repeat(&|_| "<stat name='a' value='b'/>".into())
            ),
        ),
    ];
    for (name, xml) in cases {
        let mut outcome = "";
        let run = |outcome: &mut &'static str| {
            let mut framer = Framer::new();
            framer.feed(HEADER.as_bytes());
            assert!(matches!(framer.next(), Ok(Some(Frame::Header(_)))));
            for bytes in xml.as_bytes().chunks(4096) {
                framer.feed(bytes);
                match framer.next().expect("a stream") {
                    None => {}
                    Some(Frame::Refused(refused)) => *outcome = refused.why,
                    Some(Frame::Element(document)) => {
                        *outcome = if black_box(read_stanza(&document)).is_ok() { "read" } else { "not read" };
                    }
                    Some(other) => panic!("{other:?}"),
                }
            }
        };
        let [time] = best([&mut || run(&mut outcome)]);
        println!("{name:36} {:>6.2} ms  {outcome}", time / 1e3);
    }
}

fn main() {
    let stanzas = recorded();
    reading_and_writing(&stanzas);
    cutting(&stanzas);
    linearity();
    hostile();
}
