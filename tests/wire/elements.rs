//! Each element with all it can say: read, written, and the same to minidom.

use jicofo::wire::colibri2::{ConferenceModified, ConferenceModify, ErrorEndpoint, ErrorReason};
use jicofo::wire::disco::{Caps, DiscoInfo};
use jicofo::wire::focus_iq::{Conference, LoginUrl, Logout};
use jicofo::wire::ice::IceTransport;
use jicofo::wire::jingle::Jingle;
use jicofo::wire::muc::{Join, MucAdmin, MucOwner, MucUser};
use jicofo::wire::presence::Presence;
use jicofo::wire::sm;
use jicofo::wire::stanza::{
    Healthcheck, Iq, Message, MuteAudio, MuteDesktop, MuteVideo, Ping, Roster, StanzaError, Version,
};
use jicofo::wire::xml::{self, Element};

use super::tree;

fn same<T: Element + PartialEq + std::fmt::Debug>(sample: &str) {
    // Indentation is for the reader of this file.
    let sample: String = sample.lines().map(str::trim).collect::<Vec<_>>().join(" ").replace("> <", "><");
    let read: T = xml::read_str(&sample).unwrap_or_else(|error| panic!("{error}: {sample}"));
    let written = xml::to_string(&read);
    let (name, original) = tree::parse(&sample);
    let (copied_name, copy) = tree::parse(&written);
    assert_eq!(name, copied_name);
    let mut differences = Vec::new();
    tree::differences(&name, &original, &copy, &mut differences);
    assert!(differences.is_empty(), "{differences:#?}\n{written}");
    assert_eq!(xml::read_str::<T>(&written), Ok(read));
}

const TRANSPORT: &str = "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='u' pwd='p' ice-generation='3'>
    <web-socket xmlns='http://jitsi.org/protocol/colibri' url='wss://h/colibri-ws/a' active='true'/>
    <rtcp-mux/>
    <fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' required='false' setup='actpass' cryptex='true'>AA:BB</fingerprint>
    <fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-1' setup='passive'>CC</fingerprint>
    <fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-1' setup='active'>DD</fingerprint>
    <sctpmap xmlns='urn:xmpp:jingle:transports:dtls-sctp:1' number='5000' protocol='webrtc-datachannel' streams='1024'/>
    <candidate component='1' foundation='1' generation='0' id='c1' network='0' priority='2130706431' protocol='udp'
        type='srflx' ip='10.0.0.1' port='10000' rel-addr='10.0.0.2' rel-port='9' tcptype='passive'/>
    <candidate component='1' type='host' ip='2001:db8::1' port='10000'/>
    <gathering-complete/>
    <later xmlns='urn:x' kept='yes'><deep a='1'/>text &lt;here&gt;</later>
</transport>";

const PAYLOAD_TYPE: &str =
    "<payload-type xmlns='urn:xmpp:jingle:apps:rtp:1' id='111' name='opus' clockrate='48000' channels='2'>
    <parameter name='minptime' value='10'/>
    <parameter value='111/111'/>
    <rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='transport-cc'/>
    <rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='ccm' subtype='fir'/>
    <rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='nack'/>
</payload-type>
<rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='1' uri='urn:ietf:params:rtp-hdrext:ssrc-audio-level'/>
<extmap-allow-mixed xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0'/>";

const SOURCES: &str = "<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='4294967295' name='abcd-v0' videoType='camera'>
    <ssrc-info xmlns='http://jitsi.org/jitmeet' owner='room@conference.example/abcd'/>
    <parameter xmlns='urn:xmpp:jingle:apps:rtp:1' name='msid' value='abcd-video-0 track'/>
</source>
<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='2'><parameter name='cname' value='x'/></source>
<ssrc-group xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' semantics='FID'><source ssrc='4294967295'/><source ssrc='2'/></ssrc-group>";

#[test]
fn jingle() {
    same::<Jingle>(&format!(
        "<jingle xmlns='urn:xmpp:jingle:1' action='session-accept' sid='s' initiator='i' responder='r'>
            <content creator='initiator' name='audio' senders='both'>
                <initial-last-n xmlns='jitsi:colibri2' value='5'/>
                <description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio' maxptime='60'>
                    {PAYLOAD_TYPE}<rtcp-mux/>{SOURCES}
                </description>
                {TRANSPORT}
            </content>
            <content creator='responder' name='video' senders='none'>
                <source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='3'/><source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0'/>
            </content>
            <group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='BUNDLE'><content name='audio'/><content name='video'/></group>
            <reason><success/><text>bye</text><undefined xmlns='urn:x'/></reason>
            <startmuted xmlns='http://jitsi.org/jitmeet/start-muted' audio='true' video='false'/>
            <bridge-session xmlns='http://jitsi.org/protocol/focus' id='b' region='eu' restart='true' ice-restart='true'/>
            <ice-state xmlns='http://jitsi.org/protocol/focus'>failed</ice-state>
            <json-message xmlns='http://jitsi.org/jitmeet' room='r'>{{&quot;sources&quot;:{{}}}}</json-message>
            <unknown xmlns='urn:y'/>
        </jingle>"
    ));
    same::<Jingle>("<jingle xmlns='urn:xmpp:jingle:1'><reason><general-error/><expired/></reason></jingle>");
    same::<IceTransport>(TRANSPORT);
}

#[test]
fn colibri2() {
    same::<ConferenceModify>(&format!(
        "<conference-modify xmlns='jitsi:colibri2' meeting-id='m' name='room@muc' rtcstats-enabled='false' create='true' expire='true'>
            <traceparent xmlns='jitsi:opentelemetry' trace_id='t' parent_id='p' trace_flags='01'/>
            <endpoint id='abcd' create='true' expire='true' stats-id='Bo' muc-role='participant' diarize='true'>
                <media type='audio'>{PAYLOAD_TYPE}</media>
                <media type='video'/>
                <transport ice-controlling='true' use-unique-port='true' ice-restart='true'>
                    {TRANSPORT}<sctp role='server' port='5000'/>
                </transport>
                <sources>
                    <media-source type='video' id='abcd-v0' synthetic='true'>
                        <source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='1' name='abcd-v0' videoType='desktop'/>
                        <source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='2'/>
                        <ssrc-group xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' semantics='SIM'><source ssrc='1'/><source ssrc='2'/></ssrc-group>
                    </media-source>
                </sources>
                <force-mute audio='true' video='true'/>
                <capability name='source-names'/>
                <capability name='ssrc-rewriting'/>
                <initial-last-n value='-1'/>
            </endpoint>
            <relay id='jvb2' create='true' expire='true' mesh-id='0'>
                <media type='audio'/>
                <transport><sctp role='client'/></transport>
                <sources/>
                <endpoints><endpoint id='x'><force-mute/></endpoint></endpoints>
            </relay>
            <connects>
                <connect id='c' url='wss://t' protocol='mediajson' type='transcriber' audio='true' video='true' create='true' expire='true'>
                    <http-header name='a' value='b'/>
                    <ping interval='1000' timeout='2000'/>
                    <exports><export name='abcd-a0'/></exports>
                    <requests><request name='abcd-a1'/></requests>
                </connect>
            </connects>
        </conference-modify>"
    ));
    same::<ConferenceModified>(&format!(
        "<conference-modified xmlns='jitsi:colibri2'>
            <endpoint id='a'><transport>{TRANSPORT}</transport></endpoint><relay id='r'/>
            <sources><media-source type='audio' id='jvb-a0'/></sources>
        </conference-modified>"
    ));
    same::<ErrorReason>("<error xmlns='jitsi:colibri2' reason='unknown-endpoint'/>");
    same::<ErrorEndpoint>("<endpoint xmlns='jitsi:colibri2' id='a'><b/></endpoint>");
}

#[test]
fn disco() {
    same::<DiscoInfo>(
        "<query xmlns='http://jabber.org/protocol/disco#info' node='n'>
            <identity category='client' type='web' name='x'/><feature var='a'/><feature var='b'/>
        </query>",
    );
    same::<Caps>("<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/>");
}

#[test]
fn focus_requests() {
    same::<Conference>(
        "<conference xmlns='http://jitsi.org/protocol/focus' room='r@c' focusjid='f@a' ready='true' machine-uid='m'
            session-id='s' identity='i' token='t' vnode='v'><property name='a' value='b'/><property/></conference>",
    );
    same::<LoginUrl>(
        "<login-url xmlns='http://jitsi.org/protocol/focus' room='r' machine-uid='m' popup='true' url='u'/>",
    );
    same::<Logout>("<logout xmlns='http://jitsi.org/protocol/focus' session-id='s' logout-url='u'/>");
}

#[test]
fn rooms() {
    same::<Join>("<x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x>");
    same::<MucUser>(
        "<x xmlns='http://jabber.org/protocol/muc#user'>
            <item affiliation='owner' role='moderator' jid='a@b/c'/><item affiliation='outcast' role='none'/>
            <status code='110'/><status code='201'/><destroy jid='x@y'><reason>gone</reason></destroy>
        </x>",
    );
    same::<MucAdmin>(
        "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='admin' role='visitor' jid='a@b' nick='n n'/></query>",
    );
    same::<MucOwner>(
        "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>
            <field var='FORM_TYPE'><value>f</value></field><field><value/><value>b</value></field>
        </x></query>",
    );
}

#[test]
fn presence() {
    same::<Presence>(
        "<presence from='r@c/f' to='a@b/c' id='1' type='unavailable'>
            <priority>0</priority><status>s</status>
            <x xmlns='http://jabber.org/protocol/muc'/>
            <x xmlns='http://jabber.org/protocol/muc#user'><status code='110'/></x>
            <c xmlns='http://jabber.org/protocol/caps' ver='v'/>
            <SourceInfo>{}</SourceInfo><audiomuted>true</audiomuted><videomuted>false</videomuted><stats-id>Bo-x</stats-id>
            <jitsi_participant_region>eu</jitsi_participant_region>
            <jitsi_participant_diarize>true</jitsi_participant_diarize>
            <jitsi_participant_codecList>av1,vp8</jitsi_participant_codecList>
            <jitsi_participant_codecType>vp8</jitsi_participant_codecType>
            <features><feature var='x'/><feature/></features>
            <etherpad xmlns='http://jitsi.org/jitmeet/etherpad'>pad</etherpad>
            <versions xmlns='http://jitsi.org/jitmeet'><component name='focus'>1.0</component></versions>
            <conference-properties xmlns='http://jitsi.org/protocol/focus'><property key='a' value='b'/></conference-properties>
            <bridgeNotAvailable xmlns='http://jitsi.org/protocol/focus'/>
            <stats xmlns='http://jitsi.org/protocol/colibri'><stat name='stress_level' value='0.1'/><stat value='x'/></stats>
            <nick xmlns='http://jabber.org/protocol/nick'>Bo &amp; &#233;</nick><own>x</own>
        </presence>",
    );
    same::<Presence>(
        "<presence from='r@c/f' type='error'><error type='auth' by='r@c'>
            <not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
        </error></presence>",
    );
}

#[test]
fn stanzas() {
    for (kind, payload) in [
        ("get", "<ping xmlns='urn:xmpp:ping'/>"),
        ("set", "<query xmlns='urn:unknown'><a b='c'>d</a></query>"),
        ("set", "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind>"),
        ("result", ""),
        ("result", "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>a@b/c</jid></bind>"),
        ("error", "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"),
    ] {
        same::<Iq>(&format!("<iq type='{kind}' id='1' from='a@b/c' to='d'>{payload}</iq>"));
    }
    same::<StanzaError>(
        "<error type='cancel' by='x'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
            <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>words</text>
            <error xmlns='jitsi:colibri2' reason='conference-not-found'/><session-invalid xmlns='http://jitsi.org/protocol/focus'/>
        </error>",
    );
    same::<Message>(
        "<message from='a' to='b' id='1' type='groupchat'>
            <json-message xmlns='http://jitsi.org/jitmeet'>{}</json-message>
            <x xmlns='http://jabber.org/protocol/muc#user'><status code='104'/></x>
        </message>",
    );
    same::<Ping>("<ping xmlns='urn:xmpp:ping'/>");
    same::<Roster>("<query xmlns='jabber:iq:roster'/>");
    same::<Healthcheck>("<healthcheck xmlns='http://jitsi.org/protocol/healthcheck'/>");
    same::<Version>("<query xmlns='jabber:iq:version'><name>n</name><version>v</version><os>o</os></query>");
    same::<MuteAudio>("<mute xmlns='http://jitsi.org/jitmeet/audio' jid='a@b/c' actor='a@b/d'>true</mute>");
    same::<MuteVideo>("<mute xmlns='http://jitsi.org/jitmeet/video' jid='a@b/c'>false</mute>");
    same::<MuteDesktop>("<mute xmlns='http://jitsi.org/jitmeet/desktop' jid='a@b/c'>true</mute>");
}

#[test]
fn streams() {
    same::<sm::Features>(
        "<features xmlns='http://etherx.jabber.org/streams'>
            <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>
            <mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism></mechanisms>
            <bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>
            <session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>
            <sm xmlns='urn:xmpp:sm:3'/>
        </features>",
    );
    same::<sm::Proceed>("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    same::<sm::TlsFailure>("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    same::<sm::Auth>("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGE=</auth>");
    same::<sm::Challenge>("<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>Yg==</challenge>");
    same::<sm::Response>("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>Yw==</response>");
    same::<sm::Success>("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    same::<sm::SaslFailure>(
        "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/><text>no</text></failure>",
    );
    same::<sm::Enable>("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    same::<sm::Enabled>("<enabled xmlns='urn:xmpp:sm:3' id='i' max='15' resume='1'/>");
    same::<sm::Resume>("<resume xmlns='urn:xmpp:sm:3' previd='i' h='4294967295'/>");
    same::<sm::Resumed>("<resumed xmlns='urn:xmpp:sm:3' previd='i' h='0'/>");
    same::<sm::Failed>(
        "<failed xmlns='urn:xmpp:sm:3' h='1'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>",
    );
    same::<sm::AckRequest>("<r xmlns='urn:xmpp:sm:3'/>");
    same::<sm::Ack>("<a xmlns='urn:xmpp:sm:3' h='1'/>");
    same::<sm::StreamError>(
        "<error xmlns='http://etherx.jabber.org/streams'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>
            <text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>again</text></error>",
    );
    same::<sm::Handshake>("<handshake>abc</handshake>");
}
