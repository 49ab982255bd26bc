//! Foreign bytes: whatever comes, what is read can be written, and reads as the same again. The default run of what
//! `fuzz/` looks for at length: mutations of its seeds, the same ones every time.

use std::path::Path;

use super::roundtrip;

/// How many mutants each test makes.
const MUTANTS: usize = 4_000;

fn seeds(kind: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(kind);
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).expect("the seeds").map(|entry| entry.expect("a readable folder").path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a seed")).collect()
}

/// Numbers that are the same every time (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    fn of<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }

    /// Some changes to `bytes`: three times in four such that they stay XML, else any.
    fn mutate(&mut self, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
        let wild = self.below(4) == 0;
        for _ in 0..1 + self.below(4) {
            if wild { self.mutate_bytes(bytes, others) } else { self.mutate_xml(bytes) }
        }
    }

    fn mutate_xml(&mut self, bytes: &mut Vec<u8>) {
        const CONTENT: &[&[u8]] = &[
            b"<a/>",
            b"text",
            b"&lt;",
            b"&#9;",
            b"&#x10FFFF;",
            b"<![CDATA[<]]>",
            "é☺".as_bytes(),
            b"<x xmlns='urn:x' y='&amp;'><z/>t</x>",
            b"<p:x xmlns:p='urn:p' p:id='1'><p:y/><z/></p:x>",
            b"<x xmlns=''><y xmlns='jabber:component:accept'/></x>",
            b"<text/>",
            b"<error/>",
            b"<error type='wait'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
            b"<x xmlns='jabber:server'/>",
            b"\r\n",
            b"<candidate/>",
            b"<source ssrc='-1'/>",
            b"<content/>",
            b"<transport/>",
        ];
        const ATTRIBUTES: &[&[u8]] = &[
            b" new='1'",
            b" xmlns:p='urn:p' p:id='x'",
            b" xml:lang='de'",
            b" type='error'",
            b" name=''",
            b" create='TRUE'",
            b" xmlns:q='jabber:client'",
        ];
        const VALUES: &[&[u8]] = &[
            b"",
            b"&amp;&lt;&apos;",
            b"&#10;",
            b"a\tb",
            b"\xef\xbf\xbd",
            b"&#xFFFE;",
            b"\xef\xbf\xbf",
            b"4294967296",
            b"-1",
            b"256",
            b"true",
            b"False",
            b"error",
            b"get",
            b"set",
            b"result",
            b"a@b/c",
            b"A@B.C./d",
            b"a@@",
            b">",
            b"urn:x",
            b"jabber:client",
            b"FID",
            b"sim",
        ];
        let places = |bytes: &[u8], wanted: u8| -> Vec<usize> {
            bytes.iter().enumerate().filter(|(_, byte)| **byte == wanted).map(|(place, _)| place).collect()
        };
        let quotes = places(bytes, b'\'');
        let value = self.below(quotes.len() / 2) * 2;
        match self.below(4) {
            0 => {
                let ends = places(bytes, b'>');
                if let Some(&end) = ends.get(self.below(ends.len().saturating_sub(1))) {
                    drop(bytes.splice(end + 1..end + 1, self.of(CONTENT).iter().copied()));
                }
            }
            1 if quotes.len() > value + 1 => {
                drop(bytes.splice(quotes[value + 1] + 1..quotes[value + 1] + 1, self.of(ATTRIBUTES).iter().copied()));
            }
            _ if quotes.len() > value + 1 => {
                drop(bytes.splice(quotes[value] + 1..quotes[value + 1], self.of(VALUES).iter().copied()));
            }
            _ => {}
        }
    }

    fn mutate_bytes(&mut self, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
        const PIECES: &[&[u8]] = &[
            b"<",
            b">",
            b"/>",
            b"</",
            b"'",
            b"\"",
            b"=",
            b" ",
            b"&",
            b"&#1;",
            b"]]>",
            b"<![CDATA[",
            b"<!--",
            b"<?",
            b"<a>",
            b"</a>",
            b" xmlns='urn:x'",
            b" xmlns:p='urn:p'",
            b" p:id='x'",
            b"<p:x/>",
            b"\xff",
            b"\xef\xbf\xbf",
            b"\0",
            b"\x7f",
            b"</stream:stream>",
            b"@",
            b"/",
            b".",
            b"\xe3\x80\x82",
            "Ｂ".as_bytes(),
            "ß".as_bytes(),
        ];
        let at = self.below(bytes.len() + 1);
        let until = (at + self.below(40)).min(bytes.len());
        match self.below(5) {
            0 => drop(bytes.splice(at..at, self.of(PIECES).iter().copied())),
            1 => drop(bytes.drain(at..until)),
            2 => drop(bytes.splice(at..until, self.of(PIECES).iter().copied())),
            3 => {
                let copy = bytes[at..until].to_vec();
                let to = self.below(bytes.len() + 1);
                drop(bytes.splice(to..to, copy));
            }
            _ => {
                let other = &others[self.below(others.len())];
                let from = self.below(other.len());
                let until = (from + self.below(400)).min(other.len());
                drop(bytes.splice(at..at, other[from..until].iter().copied()));
            }
        }
    }
}

#[test]
fn mutated_stanzas_read_as_what_they_are_written_as() {
    let seeds = seeds("stream");
    assert!(seeds.len() > 50, "the seeds are there");
    assert!(seeds.iter().map(|seed| roundtrip::stream(seed)).sum::<usize>() > 50);
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut read = 0;
    for _ in 0..MUTANTS {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        random.mutate(&mut bytes, &seeds);
        read += roundtrip::stream(&bytes);
    }
    assert!(read > MUTANTS / 4, "mutants are read often enough to mean something: {read}");
}

#[test]
fn mutated_addresses_are_their_own_normal_form() {
    let seeds = seeds("jid");
    let mut random = Random(0xD1B5_4A32_D192_ED03);
    for _ in 0..MUTANTS {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        random.mutate_bytes(&mut bytes, &seeds);
        roundtrip::jid(&String::from_utf8_lossy(&bytes));
    }
}
