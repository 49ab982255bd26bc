//! Writing allocates nothing: the string is the connection's and reused.

use jicofo::wire::sm::{Incoming, read_stanza};
use jicofo::wire::xml;

use super::traces::stanzas;

#[test]
fn writing_allocates_nothing() {
    let mut out = String::with_capacity(64 * 1024);
    for xml in stanzas().iter().step_by(20) {
        let Ok(Incoming::Stanza(stanza)) = read_stanza(xml) else { continue };
        out.clear();
        let counted = allocation_counter::measure(|| xml::write_to(&stanza, &mut out));
        assert_eq!(counted.count_total, 0, "{out}");
    }
}

#[test]
fn reading_allocates_what_is_kept_and_little_more() {
    let stanzas = stanzas();
    let accept = stanzas.iter().find(|xml| xml.contains("session-accept")).expect("one was recorded");
    let counted = allocation_counter::measure(|| drop(read_stanza(accept)));
    // Some 170 of them are the values' texts and the lists' growth, the document makes 20.
    assert!(counted.count_total < 400, "{counted:?}");
}
