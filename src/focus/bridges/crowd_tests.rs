//! What each kind of participant costs, and each way to be linked (docs/BRIDGES.md).

use super::*;

const SENDS: Person = Person { visitor: false, audio: true, videos: 1, wants: None };
const LISTENS: Person = Person { visitor: false, audio: false, videos: 0, wants: None };
const VISITS: Person = Person { visitor: true, ..LISTENS };

fn tally(people: impl IntoIterator<Item = (u32, Person)>) -> Tally {
    let mut tally = Tally::default();
    for (count, person) in people {
        (0..count).for_each(|_| tally.add(person));
    }
    tally
}

/// Alone on its bridge.
fn load(all: &Tally) -> Load {
    Crowd { here: all, all, links: 0 }.weight([]).load()
}

/// On this bridge, of a conference of `all`, in one mesh of so many links.
fn in_mesh(here: &Tally, all: &Tally, links: u32) -> Load {
    Crowd { here, all, links }.weight([]).load()
}

fn packets(people: impl IntoIterator<Item = (u32, Person)>) -> u64 {
    load(&tally(people)).packets
}

/// In packets a second: what one adds who comes to these.
fn adds(people: &[(u32, Person)], person: Person) -> u64 {
    packets(people.iter().copied().chain([(1, person)])) - packets(people.iter().copied())
}

#[test]
fn each_kind_costs_what_it_sends_and_is_sent() {
    // One alone sends audio and video and is sent nothing.
    assert_eq!(load(&tally([(1, SENDS)])), Load::new(50 + 300 + 20, 40 + 2_500 + 20));
    // Two: each is also sent the other's audio, and his video large.
    assert_eq!(load(&tally([(2, SENDS)])), Load::new(2 * (370 + 50 + 200), 2 * (2_560 + 40 + 1_500)));
    let meeting = [(12, SENDS)];
    let table = [
        // Three loudest, one large video, eight small, and two tiny: a listener sees one more than a sender, who is not sent his own.
        (LISTENS, 150 + 200 + 8 * 50 + 3 * 25 + 20),
        (VISITS, 150 + 200 + 8 * 50 + 3 * 25 + 20),
        // Who sends video is one more whom others are sent: twelve tiny ones.
        (Person { audio: false, ..SENDS }, 300 + 150 + 200 + 8 * 50 + 3 * 25 + 20 + 12 * 25),
        (Person { videos: 0, ..SENDS }, 50 + 150 + 200 + 8 * 50 + 3 * 25 + 20),
        // A camera and a screen.
        (Person { audio: false, videos: 2, ..SENDS }, 600 + 150 + 200 + 8 * 50 + 3 * 25 + 20 + 12 * 50),
        // Who wants one video is sent that one; this kind's average is his alone.
        (Person { wants: Some(1), ..VISITS }, 150 + 200 + 20),
        (Person { wants: Some(0), ..VISITS }, 150 + 20),
    ];
    for (person, expected) in table {
        assert_eq!(adds(&meeting, person), expected, "{person:?}");
    }
}

#[test]
fn a_join_costs_more_the_more_there_are_and_a_listener_the_same() {
    assert!(adds(&[(1, SENDS)], SENDS) < adds(&[(10, SENDS)], SENDS));
    assert!(adds(&[(10, SENDS)], SENDS) < adds(&[(20, SENDS)], SENDS));
    for listener in [LISTENS, VISITS] {
        let webinar = |listeners: u32| adds(&[(2, SENDS), (listeners, listener)], listener);
        assert_eq!(webinar(100), webinar(1000));
    }
    assert_eq!(load(&Tally::default()), Load::NONE);
    // A screen is full at some point: one more camera is what it sends, and nothing for those who have as many.
    let beyond = VISIBLE + 10;
    assert_eq!(adds(&[(beyond, SENDS)], Person { audio: false, ..SENDS }) - adds(&[(beyond, SENDS)], LISTENS), 300);
}

#[test]
fn who_came_and_went_is_counted_no_more() {
    let screen = Person { videos: 2, wants: Some(5), ..SENDS };
    let visitor = Person { wants: Some(2), ..VISITS };
    let mut kept = tally([(3, SENDS), (4, LISTENS)]);
    for person in [screen, visitor, SENDS, VISITS] {
        kept.add(person);
    }
    for person in [visitor, SENDS, VISITS, screen] {
        kept.remove(person);
    }
    assert_eq!(kept, tally([(3, SENDS), (4, LISTENS)]));
}

#[test]
fn what_one_says_of_how_many_videos_it_wants_counts_for_itself() {
    let wants = |wants: u32, person: Person| Person { wants: Some(wants), ..person };
    let average = |people: &[(u32, Person)]| tally(people.iter().copied()).wanted_by_participants.each();
    assert_eq!(average(&[(12, SENDS)]), None);
    assert_eq!(average(&[(11, wants(5, SENDS))]), Some(5));
    // One who says that it wants none does not make the meeting a small one, nor a huge one.
    assert_eq!(average(&[(11, wants(5, SENDS)), (1, wants(0, SENDS))]), Some(5));
    assert_eq!(average(&[(11, wants(5, SENDS)), (1, wants(u32::MAX, SENDS))]), Some(7), "as many as a screen holds");
    // Visitors want what they want: on a telephone one large video.
    let phones = tally([(20, wants(25, SENDS)), (100, wants(1, VISITS))]);
    let screens = tally([(20, wants(25, SENDS)), (100, wants(25, VISITS))]);
    assert!(load(&phones).packets < load(&screens).packets);
    assert_eq!(phones.wanted_by_participants.each(), Some(25));
    // Who has not said so yet is taken to be like his kind on the conference's other bridges.
    let (new, others) = (tally([(1, VISITS)]), tally([(1, VISITS), (20, SENDS), (100, wants(1, VISITS))]));
    assert_eq!(in_mesh(&new, &others, 0).packets, 150 + 200 + 20);
}

#[test]
fn nobody_is_believed_to_send_more_videos_than_clients_do() {
    let many = Person { videos: u32::MAX, ..SENDS };
    assert_eq!(packets([(1, many)]), packets([(1, Person { videos: VIDEOS, ..SENDS })]));
}

#[test]
fn a_bridge_sends_what_is_on_it_to_each_that_it_is_linked_to_and_gets_the_others() {
    let (here, all) = (tally([(10, SENDS)]), tally([(30, SENDS)]));
    let alone = in_mesh(&here, &all, 0).packets;
    assert_eq!(in_mesh(&here, &all, 2).packets - alone, 10 * 350 * 2 + 20 * 350);
    // Senders count where they are: listeners' bridge gets all of them and sends none.
    let listeners = tally([(20, LISTENS)]);
    let both = tally([(10, SENDS), (20, LISTENS)]);
    assert_eq!(in_mesh(&here, &both, 1).packets - in_mesh(&here, &both, 0).packets, 10 * 350);
    assert_eq!(in_mesh(&listeners, &both, 1).packets - in_mesh(&listeners, &both, 0).packets, 10 * 350);
    let whole = packets([(20, SENDS)]);
    let half = in_mesh(&tally([(10, SENDS)]), &tally([(20, SENDS)]), 1).packets;
    assert!(2 * half > whole && half < whole, "{half} of {whole}");
}

/// A and B in the core, ten senders on each; two visitors' bridges at A, each in a mesh of its own (spec/40 §6.2).
#[test]
fn what_comes_from_one_mesh_goes_on_to_the_others_and_not_back() {
    let (core, visitors) = (tally([(10, SENDS)]), tally([(100, VISITS)]));
    let all = tally([(20, SENDS), (200, VISITS)]);
    let links = |here: &Tally, links: u32, apart: &[(u32, Sent)]| {
        let crowd = Crowd { here, all: &all, links };
        crowd.weight(apart.iter().copied()).links.packets
    };
    let nothing = Sent::default();
    // A gets B's and sends its own to B, and all to each of the visitors' bridges.
    assert_eq!(links(&core, 1, &[(1, nothing), (1, nothing)]), (10 + 10 + 20 + 20) * 350);
    // B knows A alone; a visitors' bridge gets everybody from A.
    assert_eq!(links(&core, 1, &[]), (10 + 10) * 350);
    assert_eq!(links(&visitors, 1, &[]), 20 * 350);
    // If the visitors' bridge is the larger part it makes no difference which of the meshes is told as the rest.
    let others = Sent { audio: 10, videos: 10 };
    assert_eq!(links(&core, 1, &[(1, others)]), links(&core, 1, &[(1, nothing)]));
}
