// What the play needs: a page server, a browser, and participants whose events can be awaited.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const served = {
    '/': ['page.html', 'text/html'],
    '/page.js': ['page.js', 'text/javascript'],
    '/jquery.js': ['node_modules/jquery/dist/jquery.min.js', 'text/javascript'],
    '/lib-jitsi-meet.js': ['node_modules/@lyno/lib-jitsi-meet/lib-jitsi-meet.min.js', 'text/javascript'],
};

/** Serves the page on the loopback interface, where browsers grant camera and microphone without TLS. */
async function servePages() {
    const server = createServer(async (request, response) => {
        const [file, type] = served[new URL(request.url, 'http://localhost').pathname] ?? [];
        if (!file) {
            response.writeHead(404).end();
            return;
        }
        response.writeHead(200, { 'content-type': type }).end(await readFile(here(file)));
    });
    await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    return server;
}

export class Stage {
    /** `print(who, text)` gets every line of the timeline; with `xml`, every stanza is a line. */
    static async open({ executable, deadline, xml, print }) {
        const pages = await servePages();
        const browser = await chromium.launch({
            executablePath: executable,
            args: [
                '--disable-gpu',
                '--disable-quic',
                '--no-first-run',
                '--disable-background-networking',
                '--disable-component-update',
                '--disable-sync',
                // The offers name a bridge channel that does not exist: nothing is looked up or asked off this machine.
                '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
                '--use-fake-ui-for-media-stream',
                '--use-fake-device-for-media-stream',
            ],
        });
        return Object.assign(new Stage(), { pages, browser, deadline, xml, print });
    }

    /** A page of its own profile: participants of one profile would share the library's stored machine and session ids. */
    async enter(name) {
        const page = await (await this.browser.newContext()).newPage();
        const participant = new Participant(name, page, this);
        await page.exposeBinding('report', (_, kind, detail) => participant.happened(kind, detail));
        page.on('console', (m) => m.type() === 'error' && participant.print(`console: ${m.text().slice(0, 300)}`));
        page.on('crash', () => participant.happened('page-error', { message: 'the page crashed' }));
        const ready = participant.until('ready');
        await page.goto(`http://127.0.0.1:${this.pages.address().port}/`);
        await ready;
        return participant;
    }

    async close() {
        await this.browser.close();
        this.pages.close();
    }
}

export class Participant {
    /** Everything that happened, oldest first: `{ kind, detail }`. */
    log = [];
    #waiting = new Set();

    constructor(name, page, { deadline, xml, print }) {
        Object.assign(this, { name, page, deadline, xml, print: (text) => print(name, text) });
    }

    /** The endpoint id: known once joined. */
    get id() {
        return this.log.find((e) => e.kind === 'CONFERENCE_JOINED')?.detail.id;
    }

    /** Runs a command of `window.participant`, to its end. */
    async does(command, ...args) {
        this.print(`does ${command}`);
        const done = this.page.evaluate(([name, given]) => window.participant[name](...given), [command, args]);
        let timer;
        const late = new Promise((_, reject) => {
            timer = setTimeout(() => reject(new Error(`${this.name} did not get through "${command}"`)), this.deadline);
        });
        return Promise.race([done, late]).finally(() => clearTimeout(timer));
    }

    happened(kind, detail) {
        const event = { kind, detail };
        this.log.push(event);
        const line = this.xml && kind === 'stanza' ? `${arrow(detail)} ${detail.xml}` : summary(event);
        if (line) {
            this.print(line);
        }
        for (const waiting of [...this.#waiting]) {
            waiting(event);
        }
    }

    /** From now on, or from `since` (a mark): the first event of that kind for which `test` holds. */
    until(kind, test = () => true, since = this.mark()) {
        const matches = (event) => event.kind === kind && test(event.detail);
        const already = this.log.slice(since).find(matches);
        if (already) {
            return Promise.resolve(already.detail);
        }
        return new Promise((resolve, reject) => {
            const settle = (how, value) => {
                clearTimeout(timer);
                this.#waiting.delete(look);
                how(value);
            };
            const look = (event) => matches(event) && settle(resolve, event.detail);
            const timer = setTimeout(() => settle(reject, new Error(`not within ${this.deadline / 1000} s`)), this.deadline);
            this.#waiting.add(look);
        });
    }

    /** A point in the log, for `until`. */
    mark() {
        return this.log.length;
    }

    /** The answer to the first outgoing Jingle IQ with this action: resolves if it is a result. */
    async accepted(action, since) {
        const sent = await this.until('stanza', (s) => s.direction === 'out' && s.action === action, since);
        const reply = await this.until(
            'stanza',
            (s) => s.direction === 'in' && s.id === sent.id && ['result', 'error'].includes(s.type),
            since,
        );
        if (reply.type !== 'result') {
            throw new Error(`answered with an error: ${reply.error}`);
        }
    }
}

const arrow = ({ direction }) => (direction === 'in' ? '<-' : '->');

function summary({ kind, detail }) {
    if (kind !== 'stanza') {
        return `${kind} ${Object.entries(detail).map(([k, v]) => `${k}=${v}`).join(' ')}`;
    }
    if (detail.error) {
        return `${arrow(detail)} ${detail.name} error ${detail.error}`;
    }
    return ['jingle', 'conference', 'mute'].includes(detail.payload)
        ? `${arrow(detail)} ${detail.type} ${detail.payload} ${detail.action ?? ''}`
        : undefined;
}
