//! What simulation has found, cut down to what it takes.

use testkit::simulation::{Act, Client::*, Error::*, Plan, Setting, What::*, survives};

const SETTING: Setting = Setting { hop: 2, spread: 40, ice: 2, ..Setting::PLAIN };

/// Everybody leaves, and somebody asks for the conference again before the server has sent us the last presence of our
/// earlier stay: that is no entry, and the leave that follows it is no end.
#[test]
fn the_echo_of_an_earlier_stay_is_not_taken_for_an_entry() {
    survives(&Plan {
        seed: 6214,
        setting: Setting { secured: true, auto_login: true, ..SETTING },
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
        setting: Setting { ice: 1, batching: 500, rushed: true, secured: true, auto_login: true, ..SETTING },
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
        setting: Setting { bridges: 1, hop: 0, spread: 0, presets: true, rushed: true, ..SETTING },
        acts: vec![
            Act { at: 12128, what: BridgeFails(0, Unavailable) },
            Act { at: 45462, what: Joins { who: 4, room: 0, client: Current, thinks: 48 } },
            Act { at: 50170, what: BridgeFails(0, BadRequest) },
            Act { at: 50878, what: Joins { who: 0, room: 0, client: Phone, thinks: 11980 } },
            Act { at: 67654, what: Joins { who: 5, room: 0, client: Xml, thinks: 117 } },
        ],
    });
}

/// A visitor's node is cut off, and the visitor comes back on another one under the same name: there is a place for it as soon
/// as the one who was lost is known to be.
#[test]
fn whoever_comes_back_on_another_node_is_served() {
    survives(&Plan {
        seed: 372,
        setting: Setting { hop: 0, spread: 0, batching: 500, nodes: 2, rushed: true, watched: true, ..SETTING },
        acts: vec![
            Act { at: 659, what: Joins { who: 0, room: 0, client: Current, thinks: 1916 } },
            Act { at: 1188, what: Joins { who: 1, room: 0, client: Current, thinks: 9190 } },
            Act { at: 18877, what: Joins { who: 4, room: 0, client: Rewriting, thinks: 20 } },
            Act { at: 19120, what: CutAndResumed(7649) },
            Act { at: 44231, what: Joins { who: 3, room: 0, client: Old, thinks: 41 } },
            Act { at: 47313, what: ServerRestarts(21) },
            Act { at: 47976, what: Joins { who: 2, room: 0, client: Current, thinks: 98 } },
            Act { at: 54170, what: NodeCutAndAnew(0, 10997) },
            Act { at: 56924, what: Reloads(2) },
        ],
    });
}

/// The core fails while it answers somebody for whom a room of visitors is to be entered: that conference ends.
#[test]
fn a_failure_while_somebody_is_sent_to_a_node_ends_the_conference() {
    survives(&Plan {
        seed: 647,
        setting: Setting {
            bridges: 2,
            spread: 300,
            ice: 1,
            links: 4,
            nodes: 2,
            watched: true,
            replaces: true,
            ..SETTING
        },
        acts: vec![
            Act { at: 37, what: Joins { who: 0, room: 0, client: Current, thinks: 17458 } },
            Act { at: 40, what: Joins { who: 1, room: 0, client: Current, thinks: 67 } },
            Act { at: 721, what: BridgeBusy(0) },
            Act { at: 33294, what: Sabotage(1) },
            Act { at: 33301, what: Joins { who: 2, room: 0, client: Phone, thinks: 119 } },
            Act { at: 33302, what: AsksToUnmute(1) },
        ],
    });
}

/// The core fails just when the nodes are to be told of the end: they are told, and only then the rooms are left.
#[test]
fn nodes_are_told_of_the_end_even_after_a_failure() {
    survives(&Plan {
        seed: 1366,
        setting: Setting { spread: 300, links: 1, nodes: 2, secured: true, auto_login: true, ..SETTING },
        acts: vec![
            Act { at: 625, what: Joins { who: 0, room: 0, client: Old, thinks: 182 } },
            Act { at: 17442, what: Joins { who: 1, room: 0, client: Xml, thinks: 182 } },
            Act { at: 17446, what: BridgeBusy(1) },
            Act { at: 22000, what: AnnouncesForeign(0, 1) },
            Act { at: 23103, what: Joins { who: 5, room: 0, client: Current, thinks: 101 } },
            Act { at: 48295, what: BridgeRelieved(2, 3) },
            Act { at: 50043, what: Sabotage(36) },
            Act { at: 52418, what: BridgeIsDeaf(0, 2834) },
        ],
    });
}

/// The connection comes back with its session, but too late: the conferences have ended, and the server still has us in their
/// rooms until their nodes have been told.
#[test]
fn a_session_that_is_resumed_late_still_has_rooms_to_leave() {
    survives(&Plan {
        seed: 1934,
        setting: Setting { rooms: 3, bridges: 4, spread: 300, ice: 0, links: 2, nodes: 2, ..SETTING },
        acts: vec![
            Act { at: 4, what: Joins { who: 0, room: 0, client: Rewriting, thinks: 155 } },
            Act { at: 62623, what: AnswersLost(3) },
            Act { at: 63060, what: Joins { who: 5, room: 0, client: Old, thinks: 189 } },
            Act { at: 65607, what: Joins { who: 4, room: 0, client: Current, thinks: 167 } },
            Act { at: 78250, what: Vanishes(0) },
            Act { at: 78507, what: CutAndResumed(19899) },
        ],
    });
}

/// The core fails while it leaves the rooms of a conference that has ended: it leaves the others, too.
#[test]
fn rooms_are_left_even_after_a_failure_in_between() {
    survives(&Plan {
        seed: 182,
        setting: Setting { rooms: 3, bridges: 4, ice: 0, links: 1, nodes: 2, watched: true, ..SETTING },
        acts: vec![
            Act { at: 149, what: Joins { who: 0, room: 2, client: Old, thinks: 131 } },
            Act { at: 614, what: Joins { who: 1, room: 2, client: Current, thinks: 136 } },
            Act { at: 19650, what: Joins { who: 4, room: 2, client: Current, thinks: 711 } },
            Act { at: 20776, what: BridgeIsSlow(1, 861) },
            Act { at: 21527, what: BridgeFails(1, BadRequest) },
            Act { at: 22351, what: AsksToUnmute(0) },
            Act { at: 22367, what: Leaves(0) },
            Act { at: 40137, what: AnnouncesForeign(1, 1) },
            Act { at: 44749, what: BridgeIsSlow(2, 4931) },
            Act { at: 45092, what: BridgeForgets(1) },
            Act { at: 71687, what: BridgeFails(1, BadRequest) },
            Act { at: 75298, what: NodeCutAndResumed(0, 14000) },
            Act { at: 85679, what: Joins { who: 0, room: 2, client: Current, thinks: 122 } },
            Act { at: 86291, what: Sabotage(8) },
        ],
    });
}

/// Strangers who were made up, and one of their rooms, while all else goes on.
#[test]
fn strangers_harm_nobody() {
    survives(&Plan {
        seed: 19,
        setting: Setting { rooms: 2, hop: 0, spread: 0, ice: 1, nodes: 2, secured: true, ..SETTING },
        acts: vec![
            Act { at: 10, what: Joins { who: 0, room: 0, client: Current, thinks: 149 } },
            Act { at: 20, what: Joins { who: 1, room: 0, client: Current, thinks: 149 } },
            Act { at: 9000, what: ForeignRoom(0) },
            Act { at: 14007, what: StrangersAsk(0, 60) },
            Act { at: 14100, what: StrangersAsk(1, 80) },
            Act { at: 21841, what: Joins { who: 2, room: 0, client: Current, thinks: 149 } },
            Act { at: 42713, what: CutAndResumed(22856) },
        ],
    });
}
