// One participant. The driver calls `participant.<command>()`; everything that happens goes out through `report(kind, detail)`,
// a binding of the driver, in the order in which it happened.

const { events } = JitsiMeetJS;
const names = new Map(Object.entries(events.conference).map(([name, value]) => [value, name]));

const track = (t) => ({
    owner: t.isLocal() ? 'self' : t.getParticipantId(),
    media: t.getType(),
    muted: t.isMuted(),
});

/** What is told of an event's arguments; events that are not here are not reported. */
const details = {
    CONFERENCE_FAILED: (error, ...more) => ({ error, more: more.map(String) }),
    CONFERENCE_ERROR: (error) => ({ error: String(error) }),
    CONFERENCE_JOINED: () => ({ id: conference.myUserId() }),
    CONFERENCE_LEFT: () => ({}),
    KICKED: () => ({}),
    _MEDIA_SESSION_STARTED: (session) => ({ sid: session.sid }),
    PROPERTIES_CHANGED: (properties) => properties,
    TRACK_ADDED: track,
    TRACK_MUTE_CHANGED: track,
    TRACK_REMOVED: track,
    USER_JOINED: (id, user) => ({ id, role: user.getRole() }),
    USER_LEFT: (id) => ({ id }),
    USER_ROLE_CHANGED: (id, role) => ({ id, role }),
    CONNECTION_INTERRUPTED: () => ({}),
    CONNECTION_ESTABLISHED: () => ({}),
};

let connection;
let conference;
let localTracks = [];

/** What the driver needs to know of a stanza: the library has no event for "your session-accept was answered". */
function stanza(direction, element) {
    if (!['iq', 'presence', 'message'].includes(element.localName)) {
        return;
    }
    const child = element.firstElementChild;
    const error = element.querySelector(':scope > error');
    report('stanza', {
        direction,
        name: element.localName,
        type: element.getAttribute('type'),
        id: element.getAttribute('id'),
        from: element.getAttribute('from'),
        to: element.getAttribute('to'),
        payload: child?.localName,
        action: child?.getAttribute('action') ?? undefined,
        error: error ? [...error.children].map((e) => e.textContent || e.localName).join(': ') : undefined,
        xml: new XMLSerializer().serializeToString(element),
    });
}

/** BOSH wraps stanzas in a body; the WebSocket hands them over one by one. */
function stanzas(direction, element) {
    const wrapped = element.localName === 'body';
    for (const each of wrapped ? element.children : [element]) {
        stanza(direction, each);
    }
}

function connect({ serviceUrl, domain, muc, focus }) {
    return new Promise((resolve, reject) => {
        connection = new JitsiMeetJS.JitsiConnection(null, null, {
            serviceUrl,
            hosts: { domain, muc, focus },
        });
        const strophe = connection.xmpp.connection._stropheConn;
        strophe.xmlInput = (element) => stanzas('in', element);
        strophe.xmlOutput = (element) => stanzas('out', element);

        const { CONNECTION_ESTABLISHED, CONNECTION_FAILED, CONNECTION_DISCONNECTED } = events.connection;
        connection.addEventListener(CONNECTION_ESTABLISHED, resolve);
        connection.addEventListener(CONNECTION_FAILED, (error, message) => {
            report('CONNECTION_FAILED', { error, message });
            reject(new Error(`connection failed: ${error} ${message ?? ''}`));
        });
        connection.addEventListener(CONNECTION_DISCONNECTED, () => report('CONNECTION_DISCONNECTED', {}));
        connection.connect();
    });
}

async function createTracks(devices) {
    const tracks = await JitsiMeetJS.createLocalTracks({ devices, resolution: 180 });
    localTracks.push(...tracks);
    return tracks;
}

window.participant = {
    /** Connects, makes tracks of these media and joins. What follows is told by events. */
    async join(options, media) {
        await connect(options);
        const tracks = await createTracks(media);

        // Two alone would move to a session between themselves, not the focus'.
        conference = connection.initJitsiConference(options.room, { p2p: { enabled: false } });
        for (const [value, name] of names) {
            if (details[name]) {
                conference.addEventListener(value, (...args) => report(name, details[name](...args)));
            }
        }
        for (const each of tracks) {
            await conference.addTrack(each);
        }
        conference.join();
    },

    async removeTrack(media) {
        const removed = localTracks.find((t) => t.getType() === media);
        localTracks = localTracks.filter((t) => t !== removed);
        await conference.removeTrack(removed);
        await removed.dispose();
    },

    async addTrack(media) {
        const [added] = await createTracks([media]);
        await conference.addTrack(added);
    },

    /** Asks the focus to mute somebody else. */
    mute(id, media) {
        conference.muteParticipant(id, media);
    },

    roles() {
        const others = conference.getParticipants().map((p) => [p.getId(), p.getRole()]);
        return Object.fromEntries([...others, ['self', conference.getRole()]]);
    },

    async leave() {
        await conference.leave();
        await connection.disconnect();
    },
};

// Nobody answers at the candidates of a simulated bridge. ICE would fail after 15 s, the library would tell the focus and the
// play would depend on the machine's speed; without remote candidates ICE goes on waiting. Chromium still has to understand them.
const { setRemoteDescription } = RTCPeerConnection.prototype;
RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
    const candidates = /^a=(candidate:.*)\r\n/gm;
    for (const [, candidate] of sdp.matchAll(candidates)) {
        if (!new RTCIceCandidate({ candidate, sdpMid: '0' }).foundation) {
            report('page-error', { message: `not a candidate: ${candidate}` });
        }
    }
    return setRemoteDescription.call(this, { type, sdp: sdp.replace(candidates, '') });
};

window.addEventListener('error', ({ message }) => report('page-error', { message }));
window.addEventListener('unhandledrejection', ({ reason }) => report('page-error', { message: String(reason) }));

JitsiMeetJS.setLogLevel(JitsiMeetJS.logLevels.WARN);
JitsiMeetJS.init({ disableAudioLevels: true });
report('ready', { webrtc: JitsiMeetJS.isWebRtcSupported() });
