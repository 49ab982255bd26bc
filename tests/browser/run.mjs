// Two pages with a client library of December 2021 meet in a room, led by the focus under test. Media does not flow.
// Prints what happens, then a verdict an expectation; exit 0 if all hold.

import { parseArgs } from 'node:util';
import { Stage } from './stage.mjs';

const usage = `usage: node run.mjs --service-url ws://127.0.0.1:5280/xmpp-websocket --domain meet.test
  [--muc conference.DOMAIN] [--focus focus.DOMAIN] [--room browser-test] [--deadline SECONDS] [--chromium FILE] [--xml]`;

const { values: options } = parseArgs({
    options: {
        'service-url': { type: 'string' }, // ws(s):// is WebSocket, http(s):// is BOSH
        domain: { type: 'string' },
        muc: { type: 'string' },
        focus: { type: 'string' }, // where conference requests go
        room: { type: 'string', default: 'browser-test' },
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
const sessions = (who) =>
    who.log.filter((e) => e.kind === 'stanza' && e.detail.direction === 'in' && e.detail.action === 'session-initiate');

/** What somebody who comes in, and somebody who is there, see of each other. The one who is there may have had a session before. */
function meeting(newcomer, there, since, thereIsInvited) {
    const invited = (who, mark) => ({
        [`${who.name} is invited`]: who.until('_MEDIA_SESSION_STARTED', undefined, mark),
        [`${who.name}'s session-accept is answered with a result`]: who.accepted('session-accept', mark),
    });
    const sees = (who, other, mark) => ({
        [`${who.name} sees ${other.name}`]: who.until('USER_JOINED', (u) => u.id === other.id, mark),
        [`${who.name} sees ${other.name}'s audio`]: who.until('TRACK_ADDED', of(other, 'audio'), mark),
        [`${who.name} sees ${other.name}'s video`]: who.until('TRACK_ADDED', of(other, 'video'), mark),
    });
    return {
        ...invited(newcomer, 0),
        ...(thereIsInvited ? invited(there, since) : {}),
        ...sees(newcomer, there, 0),
        ...sees(there, newcomer, since),
    };
}

/** What those who stay see of one who goes; the moderator went, so somebody else leads. */
const parting = (stays, goes, since) => ({
    [`${stays.name} sees ${goes.name}'s audio go`]: stays.until('TRACK_REMOVED', of(goes, 'audio'), since),
    [`${stays.name} sees ${goes.name}'s video go`]: stays.until('TRACK_REMOVED', of(goes, 'video'), since),
    [`${stays.name} sees ${goes.name} leave`]: stays.until('USER_LEFT', (u) => u.id === goes.id, since),
});

async function join(stage, name) {
    const who = await stage.enter(name);
    await who.does('join', place);
    await act(`${name} joins`, { 'CONFERENCE_JOINED': who.until('CONFERENCE_JOINED', undefined, 0) });
    return who;
}

const becomesModerator = (who, since) =>
    who.until('USER_ROLE_CHANGED', (r) => r.id === who.id && r.role === 'moderator', since);

async function play(stage) {
    const alice = await join(stage, 'alice');
    await act('alice is alone', {
        'she becomes moderator': becomesModerator(alice, 0),
    });

    const aloneUntil = alice.mark();
    const invitedAlone = sessions(alice).length;
    const bob = await join(stage, 'bob');
    await act('bob meets alice', {
        'nobody was invited while alone': holds(invitedAlone === 0, 'alice had got a session-initiate'),
        ...meeting(bob, alice, aloneUntil, true),
    });

    const roles = await bob.does('roles');
    await act('roles', {
        'bob sees that alice is moderator': holds(roles[alice.id] === 'moderator', `she is ${roles[alice.id]}`),
        'bob is not moderator': holds(roles.self !== 'moderator', `he is ${roles.self}`),
    });

    let [a, b] = [alice.mark(), bob.mark()];
    await bob.does('removeTrack', 'video');
    await act('bob turns his camera off', {
        'source-remove is answered with a result': bob.accepted('source-remove', b),
        'alice sees his video go': alice.until('TRACK_REMOVED', of(bob, 'video'), a),
    });

    [a, b] = [alice.mark(), bob.mark()];
    await bob.does('addTrack', 'video');
    await act('bob turns his camera on', {
        'source-add is answered with a result': bob.accepted('source-add', b),
        'alice sees his video': alice.until('TRACK_ADDED', of(bob, 'video'), a),
    });

    [a, b] = [alice.mark(), bob.mark()];
    await alice.does('mute', bob.id, 'audio');
    await act('alice mutes bob', {
        'bob is muted': bob.until('TRACK_MUTE_CHANGED', (t) => t.owner === 'self' && t.media === 'audio' && t.muted, b),
        'alice sees it': alice.until('TRACK_MUTE_CHANGED', (t) => of(bob, 'audio')(t) && t.muted, a),
    });

    b = bob.mark();
    await alice.does('leave');
    await act('alice leaves', {
        ...parting(bob, alice, b),
        'bob becomes moderator': becomesModerator(bob, b),
    });

    b = bob.mark();
    const carol = await join(stage, 'carol');
    await act('carol meets bob', meeting(carol, bob, b, false));

    const c = carol.mark();
    await bob.does('leave');
    await act('bob leaves', {
        ...parting(carol, bob, c),
        'carol becomes moderator': becomesModerator(carol, c),
    });

    await carol.does('leave');
    await act('the whole time', Object.fromEntries([alice, bob, carol].flatMap((who) => [
        [`no IQ of or to ${who.name} was answered with an error`,
            holds(who.errorReplies.length === 0, who.errorReplies.map((e) => e.detail.xml).join('\n'))],
        [`${who.name}'s library reported no failure`, noFailure(who)],
    ])));
}

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
    console.log(`FAIL: ${ended.message}`);
}
process.exit(ended ? 1 : 0);
