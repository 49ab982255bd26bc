//! What simulation has found, cut down to what it takes.

use testkit::simulation::{Act, Client::*, Error::*, Plan, Setting, What::*, survives};

const SETTING: Setting =
    Setting { rooms: 1, bridges: 3, hop: 2, spread: 40, presets: false, ice: 2, batching: 0, links: 0, nodes: 0 };

/// Everybody leaves, and somebody asks for the conference again before the server has sent us the last presence of our
/// earlier stay: that is no entry, and the leave that follows it is no end.
#[test]
fn the_echo_of_an_earlier_stay_is_not_taken_for_an_entry() {
    survives(&Plan {
        seed: 6214,
        setting: SETTING,
        acts: vec![
            Act { at: 72660, what: Joins { who: 3, room: 0, client: Rewriting, thinks: 100 } },
            Act { at: 77981, what: Joins { who: 2, room: 0, client: Xml, thinks: 139 } },
            Act { at: 78309, what: Leaves(3) },
            Act { at: 78702, what: Reloads(2) },
            Act { at: 78749, what: Joins { who: 3, room: 0, client: Old, thinks: 12104 } },
        ],
    });
}

/// The connection is set up anew, and the core fails just when it has ended the conferences of the old one.
#[test]
fn a_failure_after_conferences_ended_is_not_theirs() {
    survives(&Plan {
        seed: 1000,
        setting: Setting { ice: 1, batching: 500, ..SETTING },
        acts: vec![
            Act { at: 692, what: Joins { who: 0, room: 0, client: Rewriting, thinks: 565 } },
            Act { at: 14391, what: Joins { who: 1, room: 0, client: Current, thinks: 4 } },
            Act { at: 98057, what: Leaves(0) },
            Act { at: 99274, what: Leaves(1) },
            Act { at: 99290, what: Joins { who: 0, room: 0, client: Current, thinks: 35 } },
            Act { at: 99688, what: Sabotage(16) },
            Act { at: 133419, what: CutAndAnew(3712) },
        ],
    });
}

/// A bridge that failed may be taken again after a minute. Whoever comes then finds it.
#[test]
fn a_bridge_found_for_one_is_found_for_all_who_wait() {
    survives(&Plan {
        seed: 20096,
        setting: Setting { bridges: 1, hop: 0, spread: 0, presets: true, ..SETTING },
        acts: vec![
            Act { at: 12128, what: BridgeFails(0, Unavailable) },
            Act { at: 45462, what: Joins { who: 4, room: 0, client: Current, thinks: 48 } },
            Act { at: 50170, what: BridgeFails(0, BadRequest) },
            Act { at: 50878, what: Joins { who: 0, room: 0, client: Phone, thinks: 11980 } },
            Act { at: 67654, what: Joins { who: 5, room: 0, client: Xml, thinks: 117 } },
        ],
    });
}
