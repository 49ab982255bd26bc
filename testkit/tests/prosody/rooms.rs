//! Rooms, breweries and their metadata, as the focus, bridges and guests see them.

use minidom::Element;
use testkit::prosody::{Prosody, Wiring};

use crate::support::*;

#[tokio::test]
async fn guests_come_in_without_an_account_under_a_uuid() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let guest = Client::anonymous(&prosody).await;
    let (user, _) = guest.jid.split_once('@').expect("a full JID");
    assert_eq!(user.len(), 36, "{user}");
    assert!(
        user[..8].bytes().all(|byte| byte.is_ascii_hexdigit()),
        "an endpoint's id is the first eight characters: {user}"
    );
}

#[tokio::test]
async fn the_focus_creates_rooms_owns_them_and_reads_their_meeting_id() {
    for prosody in both().await {
        let mut focus = Client::focus(&prosody).await;
        assert_eq!(focus.jid, format!("focus@{}/focus", prosody.auth_domain()));
        let room = format!("room@{}", prosody.muc_domain());

        let joined = focus.join(&format!("{room}/focus")).await;
        assert_eq!(statuses(&joined), ["201", "100", "110"]);
        assert_eq!(item(&joined, "affiliation"), Some("owner"));

        let answer = focus
            .request(&format!("<iq type='get' to='{room}'><query xmlns='http://jabber.org/protocol/muc#owner'/></iq>"))
            .await;
        let form =
            answer.children().next().and_then(|query| query.get_child("x", FORM)).expect("the owner gets a form");
        let id = field(form, "muc#roominfo_meetingId").expect("a meeting ID");
        assert_eq!(id.len(), 36, "{id}");
        assert_eq!(field(form, "muc#roomconfig_whois").as_deref(), Some("anyone"));

        let submit = "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>\
                      <field var='muc#roomconfig_whois'><value>anyone</value></field></x>";
        let answer = focus
            .request(&format!(
                "<iq type='set' to='{room}'><query xmlns='http://jabber.org/protocol/muc#owner'>{submit}</query></iq>"
            ))
            .await;
        assert_eq!(answer.attr("type"), Some("result"));

        let answer = focus
            .request(&format!("<iq type='get' to='{room}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"))
            .await;
        let form = answer
            .children()
            .next()
            .and_then(|query| query.get_child("x", FORM))
            .expect("what the room says of itself");
        assert_eq!(field(form, "muc#roominfo_meetingId"), Some(id));
    }
}

#[tokio::test]
async fn a_guest_cannot_create_a_room_but_sees_who_is_the_focus_in_it() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let room = format!("room@{}", prosody.muc_domain());
    let mut guest = Client::anonymous(&prosody).await;
    guest.send(&format!("<presence to='{room}/guest'><x xmlns='http://jabber.org/protocol/muc'/></presence>")).await;
    let refused = guest.next("the refusal", |stanza| stanza.attr("type") == Some("error")).await;
    assert_eq!(condition(&refused), Some("not-allowed"));

    let mut focus = Client::focus(&prosody).await;
    focus.join(&format!("{room}/focus")).await;
    guest.send(&format!("<presence to='{room}/guest'><x xmlns='http://jabber.org/protocol/muc'/></presence>")).await;
    let seen = guest.next("the focus", |stanza| stanza.attr("from") == Some(&format!("{room}/focus"))).await;
    assert_eq!(item(&seen, "jid"), Some(&*focus.jid));
    let seen = focus.next("the guest", |stanza| stanza.attr("from") == Some(&format!("{room}/guest"))).await;
    assert_eq!(item(&seen, "jid"), Some(&*guest.jid));
    assert_eq!(item(&seen, "affiliation"), Some("none"));
}

#[tokio::test]
async fn who_comes_while_the_focus_is_away_waits_for_it() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let room = format!("room@{}", prosody.muc_domain());
    let mut focus = Client::focus(&prosody).await;
    let [mut first, mut second, mut third] =
        [Client::anonymous(&prosody).await, Client::anonymous(&prosody).await, Client::anonymous(&prosody).await];
    focus.join(&format!("{room}/focus")).await;
    first.join(&format!("{room}/first")).await;
    focus.send(&format!("<presence to='{room}/focus' type='unavailable'/>")).await;
    first.next("that the focus leaves", |stanza| stanza.attr("type") == Some("unavailable")).await;

    for (client, nick) in [(&mut second, "second"), (&mut third, "third")] {
        let since = prosody.log().len();
        client
            .send(&format!("<presence to='{room}/{nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>"))
            .await;
        assert!(prosody.logged(since, &format!("{} waits for the focus", client.jid), DEADLINE).await);
    }
    second.send(&format!("<presence to='{room}/second' type='unavailable'/>")).await;
    second.ping(&prosody).await;

    focus.join(&format!("{room}/focus")).await;
    third.own_presence().await;
    assert!(prosody.logged(0, &format!("occupant joined: {room}/third"), DEADLINE).await);
    assert!(!prosody.log().contains(&format!("occupant joined: {room}/second")), "it had given up");
}

#[tokio::test]
async fn a_bridge_reports_its_load_to_the_focus_in_the_brewery() {
    for prosody in both().await {
        let brewery = prosody.brewery();
        let mut bridge = Client::bridge(&prosody).await;
        let joined = bridge.join(&format!("{brewery}/jvb1")).await;
        assert_eq!(item(&joined, "affiliation"), Some("owner"), "it configures the room as the focus does");
        let mut focus = Client::focus(&prosody).await;
        focus.join(&format!("{brewery}/focus")).await;
        let stats = "<stats xmlns='http://jitsi.org/protocol/colibri'><stat name='stress_level' value='0.1'/></stats>";
        bridge.send(&format!("<presence to='{brewery}/jvb1'>{stats}</presence>")).await;
        let seen =
            focus.next("its load", |stanza| stanza.has_child("stats", "http://jitsi.org/protocol/colibri")).await;
        assert_eq!(seen.attr("from"), Some(&*format!("{brewery}/jvb1")));
    }
}

#[tokio::test]
async fn a_guest_cannot_pass_for_a_bridge() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let mut focus = Client::focus(&prosody).await;
    focus.join(&format!("{}/focus", prosody.brewery())).await;
    let mut guest = Client::anonymous(&prosody).await;
    guest
        .send(&format!(
            "<presence to='{}/jvb9'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
            prosody.brewery()
        ))
        .await;
    guest.ping(&prosody).await;
    assert!(!prosody.log().contains("/jvb9 is"), "it is in the brewery");
}

#[tokio::test]
async fn the_rooms_metadata_comes_before_the_own_presence_as_soon_as_the_room_is_known() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let room = format!("room@{}", prosody.muc_domain());
    let mut focus = Client::focus(&prosody).await;

    let services = focus
        .request(&format!(
            "<iq type='get' to='{}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
            prosody.domain()
        ))
        .await;
    let query = services.children().next().expect("a query");
    let metadata =
        query.children().find(|child| child.attr("type") == Some("room_metadata")).expect("the component is told of");
    assert_eq!(
        (metadata.attr("category"), metadata.attr("name")),
        (Some("component"), Some(&*prosody.metadata_domain()))
    );

    let is_metadata = |stanza: &Element| stanza.has_child("json-message", JITMEET);
    focus.send(&format!("<presence to='{room}/focus'><x xmlns='http://jabber.org/protocol/muc'/></presence>")).await;
    let first = focus
        .next("the creator's presence", |stanza| is_metadata(stanza) || statuses(stanza).contains(&"110".to_owned()))
        .await;
    assert_eq!(first.name(), "presence", "the room was not known yet");
    focus.send(&format!("<presence to='{room}/focus'/>")).await;
    let next = focus.next("the metadata", |stanza| is_metadata(stanza) || stanza.name() == "presence").await;
    let message = next.get_child("json-message", JITMEET).expect("before the presence");
    assert_eq!(message.attr("room"), Some(&*room));
    let json: serde_json::Value = serde_json::from_str(&message.text()).expect("JSON");
    assert_eq!(json, serde_json::json!({ "type": "room_metadata", "metadata": { "moderators": [] } }));
    focus.own_presence().await;

    let mut guest = Client::anonymous(&prosody).await;
    guest.send(&format!("<presence to='{room}/guest'><x xmlns='http://jabber.org/protocol/muc'/></presence>")).await;
    guest.next("the metadata", is_metadata).await;
    guest.own_presence().await;
    // A guest may not; who is made owner may.
    let wish = format!(
        "<message to='{}'><room_metadata xmlns='{JITMEET}' room='{room}'>{{\"key\":\"startMuted\",\"data\":{{\"audio\":true}}}}</room_metadata></message>",
        prosody.metadata_domain()
    );
    guest.send(&wish).await;
    guest.ping(&prosody).await;
    let (user, _) = guest.jid.split_once('/').expect("a full JID");
    let grant =
        format!("<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='owner' jid='{user}'/></query>");
    focus.request(&format!("<iq type='set' to='{room}'>{grant}</iq>")).await;
    guest.own_presence().await;
    guest.send(&wish.replace("\"audio\":true", "\"video\":true")).await;
    let told = focus.next("the change", is_metadata).await;
    let json: serde_json::Value =
        serde_json::from_str(&told.get_child("json-message", JITMEET).expect("it was looked for").text())
            .expect("JSON");
    assert_eq!(json["metadata"]["startMuted"], serde_json::json!({ "video": true }));
}
