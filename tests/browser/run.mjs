// Two pages with a client library of December 2021 meet in a room, led by the focus under test. Media does not flow.
// Prints what happens, then a verdict an expectation; exit 0 if all hold.

import { parseArgs } from 'node:util';
import { Stage } from './stage.mjs';

const usage = `usage: node run.mjs --service-url ws://127.0.0.1:5280/xmpp-websocket --domain meet.test
  [--muc conference.DOMAIN] [--focus focus.DOMAIN] [--room NAME] [--deadline SECONDS] [--chromium FILE] [--xml]`;

const { values: options } = parseArgs({
    options: {
        'service-url': { type: 'string' }, // ws(s):// is WebSocket, http(s):// is BOSH
        domain: { type: 'string' },
        muc: { type: 'string' },
        focus: { type: 'string' }, // where conference requests go
        // A name of its own for each run: pages of an earlier run that was cut short linger in its room (XEP-0198).
        room: { type: 'string', default: `browser-test-${process.pid}` },
        deadline: { type: 'string', default: '20' }, // of each expectation
        chromium: { type: 'string', default: '/usr/bin/chromium' },
        xml: { type: 'boolean', default: false }, // print every stanza
    },
});
if (!options['service-url'] || !options.domain) {
    console.error(usage);
    process.exit(2);
}
const { domain, room } = options;
const place = {
    serviceUrl: options['service-url'],
    domain,
    muc: options.muc ?? `conference.${domain}`,
    focus: options.focus ?? `focus.${domain}`,
    room,
};

const started = performance.now();
const seconds = () => ((performance.now() - started) / 1000).toFixed(3).padStart(7);
const print = (who, text) => console.log(`${seconds()} ${who.padEnd(7)} ${text}`);

/** One line each, in the order in which the play tells them. */
const verdicts = [];

/** Awaits all expectations of one act; an act that fails ends the play, since the next ones build on it. */
async function act(title, expectations) {
    print('', `=== ${title}`);
    const outcomes = await Promise.allSettled(Object.values(expectations));
    Object.keys(expectations).forEach((text, i) => {
        const { status, reason } = outcomes[i];
        verdicts.push({ ok: status === 'fulfilled', text: `${title}: ${text}`, at: seconds(), reason: reason?.message });
    });
    if (outcomes.some((o) => o.status === 'rejected')) {
        throw new Error(`"${title}" did not come about`);
    }
}

const holds = async (condition, otherwise) => {
    if (!condition) {
        throw new Error(otherwise);
    }
};
const of = (who, media) => (t) => t.owner === who.id && t.media === media;

const isInvited = (who, since) => ({
    [`${who.name} is invited`]: who.until('_MEDIA_SESSION_STARTED', undefined, since),
    [`${who.name}'s session-accept is answered with a result`]: who.accepted('session-accept', since),
});

const sees = (who, other, media, since) => ({
    [`${who.name} sees ${other.name}`]: who.until('USER_JOINED', (u) => u.id === other.id, since),
    ...Object.fromEntries(media.map((each) => [
        `${who.name} sees ${other.name}'s ${each}`, who.until('TRACK_ADDED', of(other, each), since),
    ])),
});

const seesGoing = (who, other, media, since) => ({
    ...Object.fromEntries(media.map((each) => [
        `${who.name} sees ${other.name}'s ${each} go`, who.until('TRACK_REMOVED', of(other, each), since),
    ])),
    [`${who.name} sees ${other.name} leave`]: who.until('USER_LEFT', (u) => u.id === other.id, since),
});

const becomesModerator = (who, since) => ({
    [`${who.name} becomes moderator`]:
        who.until('USER_ROLE_CHANGED', (r) => r.id === who.id && r.role === 'moderator', since),
});

async function join(stage, name, media) {
    const who = await stage.enter(name);
    await who.does('join', place, media);
    await act(`${name} joins`, { 'CONFERENCE_JOINED': who.until('CONFERENCE_JOINED', undefined, 0) });
    return who;
}

/** Where in its log a participant began to leave: what it still sends then may be bounced. */
const leaving = new Map();

async function leave(who) {
    leaving.set(who, who.mark());
    await who.does('leave');
}

async function play(stage) {
    const both = ['audio', 'video'];
    const alice = await join(stage, 'alice', both);
    await act('alice is alone', becomesModerator(alice, 0));

    let a = alice.mark();
    const bob = await join(stage, 'bob', ['audio']);
    await act('bob meets alice', {
        'nobody was invited while alone': holds(!alice.log.slice(0, a).some(isOffer), 'alice got a session-initiate'),
        ...isInvited(alice, a),
        ...isInvited(bob, 0),
        ...sees(alice, bob, ['audio'], a),
        ...sees(bob, alice, both, 0),
    });

    const roles = await bob.does('roles');
    await act('roles', {
        'bob sees that alice is moderator': holds(roles[alice.id] === 'moderator', `she is ${roles[alice.id]}`),
        'bob is not moderator': holds(roles.self !== 'moderator', `he is ${roles.self}`),
    });

    a = alice.mark();
    let b = bob.mark();
    await bob.does('addTrack', 'video');
    await act('bob turns his camera on', {
        'source-add is answered with a result': bob.accepted('source-add', b),
        "alice sees bob's video": alice.until('TRACK_ADDED', of(bob, 'video'), a),
    });

    // Nobody turns the same camera on again: this library signals the same SSRCs again, and the SDP that it makes of them
    // at the other side has a second `a=msid` line, which today's Chromium refuses.
    [a, b] = [alice.mark(), bob.mark()];
    await alice.does('removeTrack', 'video');
    await act('alice turns her camera off', {
        'source-remove is answered with a result': alice.accepted('source-remove', a),
        "bob sees alice's video go": bob.until('TRACK_REMOVED', of(alice, 'video'), b),
    });

    [a, b] = [alice.mark(), bob.mark()];
    await alice.does('mute', bob.id, 'audio');
    await act('alice mutes bob', {
        'bob is muted': bob.until('TRACK_MUTE_CHANGED', (t) => t.owner === 'self' && t.media === 'audio' && t.muted, b),
        'alice sees it': alice.until('TRACK_MUTE_CHANGED', (t) => of(bob, 'audio')(t) && t.muted, a),
    });

    b = bob.mark();
    await leave(alice);
    await act('alice leaves', {
        ...seesGoing(bob, alice, ['audio'], b),
        ...becomesModerator(bob, b),
    });

    // Bob's session lives on: Carol learns of his sources from her offer, he of hers from a source-add.
    b = bob.mark();
    const carol = await join(stage, 'carol', both);
    await act('carol meets bob', {
        ...isInvited(carol, 0),
        ...sees(carol, bob, both, 0),
        ...sees(bob, carol, both, b),
    });

    const c = carol.mark();
    await leave(bob);
    await act('bob leaves', {
        ...seesGoing(carol, bob, both, c),
        ...becomesModerator(carol, c),
    });

    await leave(carol);
    await act('the whole time', Object.fromEntries([alice, bob, carol].flatMap((who) => [
        [`no IQ between ${who.name} and the focus was answered with an error`, noErrors(who)],
        [`${who.name}'s library reported no failure`, noFailure(who)],
    ])));
}

const isOffer = ({ kind, detail }) =>
    kind === 'stanza' && detail.direction === 'in' && detail.action === 'session-initiate';

/** The peer of an IQ is the occupant `focus`, or the address for conference requests. */
const noErrors = (who) => {
    const found = who.log.slice(0, leaving.get(who)).filter(({ kind, detail }) =>
        kind === 'stanza' && detail.name === 'iq' && detail.type === 'error'
        && [detail.from, detail.to].some((jid) => jid === place.focus || jid?.endsWith('/focus')));
    return holds(found.length === 0, found.map((e) => e.detail.xml).join('\n'));
};

const failures = ['CONFERENCE_FAILED', 'CONFERENCE_ERROR', 'CONNECTION_FAILED', 'KICKED', 'page-error'];
const noFailure = (who) => {
    const found = who.log.filter((e) => failures.includes(e.kind));
    return holds(found.length === 0, JSON.stringify(found));
};

const stage = await Stage.open({
    executable: options.chromium,
    deadline: Number(options.deadline) * 1000,
    xml: options.xml,
    print,
});
let ended;
try {
    await play(stage);
} catch (error) {
    ended = error;
} finally {
    await stage.close();
}

console.log();
for (const { ok, text, at, reason } of verdicts) {
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${at} ${text}${reason ? `: ${reason}` : ''}`);
}
if (ended) {
    console.log(`FAIL: ${ended.message.split('\n')[0]}`);
}
process.exit(ended ? 1 : 0);
