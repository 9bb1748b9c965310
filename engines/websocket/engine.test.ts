// The WebSocket engine through its port and the bus.
import { afterEach, describe, expect, test } from 'bun:test';
import { connect, type Socket } from 'node:net';
import { runLockstep, TestEngine, testSpec, topics, walkBars } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import definition, { websocketEngine } from './index.ts';
import type { SocketLimits } from './lib/connections.ts';

// Frames have many shapes.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Frame = any;

class Client {
  readonly frames: Frame[] = [];
  closed: { code: number; reason: string } | undefined;
  readonly #socket: WebSocket;

  private constructor(url: string, headers: Record<string, string>) {
    this.#socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, { headers } as never);
    this.#socket.onmessage = (event) => void this.frames.push(JSON.parse(event.data as string));
    this.#socket.onclose = ({ code, reason }) => {
      this.closed = { code, reason };
    };
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<Client> {
    const client = new Client(url, headers);
    await eventually(() => client.closed !== undefined || client.frames.length > 0, 'a welcome or a close');
    return client;
  }

  send(frame: unknown): void {
    this.#socket.send(typeof frame === 'string' || frame instanceof Buffer ? frame : JSON.stringify(frame));
  }

  /** Sends a frame and returns the reply with its id. */
  async ask(frame: { id: string; [member: string]: unknown }): Promise<Frame> {
    this.send(frame);
    return this.until((f) => f.id === frame.id);
  }

  async until(condition: (frame: Frame) => boolean): Promise<Frame> {
    await eventually(() => this.frames.some(condition), 'a frame');
    return this.frames.find(condition);
  }

  /** Messages so far with their numbers, out of batches too. */
  messages(): Frame[] {
    return this.frames.flatMap((f) => {
      if (f.type === 'message') return [f];
      return f.type === 'batch' ? f.messages.map((m: Frame, i: number) => ({ ...m, seq: f.seq + i })) : [];
    });
  }

  close(): void {
    this.#socket.close();
  }
}

let engine: TestEngine;
const clients: Client[] = [];
const sockets: Socket[] = [];

async function start(limits?: Partial<SocketLimits>): Promise<void> {
  engine = await TestEngine.start(limits ? websocketEngine(limits) : definition);
}
async function open(headers: Record<string, string> = {}): Promise<Client> {
  const client = await Client.open(engine.url, headers);
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  await engine.stop();
});

function publishBars(symbol: string, count: number): void {
  for (const bar of walkBars(symbol, count)) {
    engine.bus.publish(
      topics.marketLiveData,
      { ...bar, source: 'simulated' },
      { tsEventUs: bar.ts_event_us },
    );
  }
}

/** A handshake whose client reads and answers nothing. */
async function silentSocket(): Promise<{ socket: Socket; closed: () => boolean }> {
  const socket = connect(Number(new URL(engine.url).port), '127.0.0.1');
  sockets.push(socket);
  let closed = false;
  socket.on('close', () => {
    closed = true;
  });
  socket.on('error', () => {});
  const key = 'dGhlIHNhbXBsZSBub25jZQ==';
  socket.write(
    `GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  await eventually(async () => (await engine.get('/connections')).body.count > 0, 'an open connection');
  return { socket, closed: () => closed };
}

/** A masked text frame, as clients have to send them (RFC 6455, section 5.2), with a mask of zeros. */
function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

describe('subscriptions', () => {
  test('welcomes with the catalogue, acknowledges, and delivers messages numbered from 1', async () => {
    await start();
    const client = await open();
    expect(client.frames[0]).toMatchObject({ type: 'welcome', heartbeat_interval_ms: 15_000 });
    const names = client.frames[0].topics.map((t: Frame) => t.name);
    expect(names).toContain('market.live_data');
    expect(names).toContain('system.engines');
    expect(names).not.toContain('lockstep.control');
    const ack = await client.ask({ type: 'subscribe', id: '1', topics: ['market.live_data', 'ml.*'] });
    expect(ack).toEqual({ type: 'ack', id: '1', action: 'subscribe', topics: ['market.live_data', 'ml.*'] });
    publishBars('BTC-PERP', 5);
    await eventually(() => client.messages().length === 5, 'five bars');
    expect(client.messages().map((m) => m.seq)).toEqual([1, 2, 3, 4, 5]);
    expect(client.messages()[0]).toMatchObject({
      topic: 'market.live_data',
      ts_event_us: walkBars('BTC-PERP', 1)[0]!.ts_event_us,
      body: { ...walkBars('BTC-PERP', 1)[0]!, source: 'simulated' },
    });
    expect(client.messages()[0].session).toBeUndefined();
  });

  test('sends many messages of one turn as one batch', async () => {
    await start();
    const client = await open();
    await client.ask({ type: 'subscribe', id: '1', topics: ['market.*'] });
    publishBars('A', 300);
    await eventually(() => client.messages().length === 300, 'all bars');
    expect(client.frames.filter((f) => f.type === 'batch').length).toBe(1);
  });

  test('filters by symbol for one client while another gets all', async () => {
    await start();
    const [some, all] = [await open(), await open()];
    await some.ask({ type: 'subscribe', id: '1', topics: ['market.*'], filter: { symbol: ['B'] } });
    await all.ask({ type: 'subscribe', id: '1', topics: ['market.*'] });
    publishBars('A', 3);
    publishBars('B', 2);
    await eventually(() => all.messages().length === 5 && some.messages().length === 2, 'bars');
    expect(some.messages().map((m) => [m.seq, m.body.symbol])).toEqual([
      [1, 'B'],
      [2, 'B'],
    ]);
  });

  test('stops after unsubscribe, and names only what it took away', async () => {
    await start();
    const client = await open();
    await client.ask({ type: 'subscribe', id: '1', topics: ['market.*', 'ml.*'] });
    const ack = await client.ask({ type: 'unsubscribe', id: '2', topics: ['market.*', 'risk.*'] });
    expect(ack).toEqual({ type: 'ack', id: '2', action: 'unsubscribe', topics: ['market.*'] });
    publishBars('A', 3);
    engine.bus.flush();
    expect(await client.ask({ type: 'ping', id: '3' })).toMatchObject({ type: 'pong', id: '3' });
    expect(client.messages()).toEqual([]);
    expect((await engine.get('/connections')).body.connections[0].subscriptions).toEqual(['ml.*']);
  });

  test('forwards presence and lifecycle, which no replay carries', async () => {
    await start();
    const client = await open();
    await client.ask({ type: 'subscribe', id: '1', topics: ['system.*'] });
    await client.until((f) => f.topic === 'system.engines' && f.body.engine === 'websocket');
  });
});

describe('bad input', () => {
  test('answers each malformed frame with a problem, keeps the connection and echoes no value', async () => {
    await start();
    const client = await open();
    const secret = 'do-not-echo-me';
    const cases: [unknown, string | null, string, string][] = [
      ['{not json', null, 'malformed-body', ''],
      [Buffer.from([1, 2, 3]), null, 'malformed-body', 'binary'],
      ['null', null, 'invalid-option', ''],
      [{ type: secret, id: 'a' }, 'a', 'invalid-option', '/type'],
      [{ type: 'subscribe', topics: ['market.*'] }, null, 'invalid-option', '/id'],
      [{ type: 'subscribe', id: 'b', topics: [] }, 'b', 'invalid-option', '/topics'],
      [{ type: 'subscribe', id: 'c', topics: ['market.*', secret] }, 'c', 'invalid-option', '/topics/1'],
      [{ type: 'subscribe', id: 'd', topics: ['lockstep.control'] }, 'd', 'invalid-option', '/topics/0'],
      [
        { type: 'subscribe', id: 'e', topics: ['*'], filter: { symbl: ['A'] } },
        'e',
        'invalid-option',
        '/filter',
      ],
      [
        { type: 'subscribe', id: 'f', topics: ['*'], filter: { symbol: [7] } },
        'f',
        'invalid-option',
        '/filter/symbol/0',
      ],
      [{ type: 'ping', id: 'g', extra: 1 }, 'g', 'invalid-option', ''],
    ];
    for (const [frame, id, slug, named] of cases) {
      const before = client.frames.length;
      client.send(frame);
      await eventually(() => client.frames.length > before, 'an error');
      const answer = client.frames[before];
      expect([frame, answer.type, answer.id, answer.problem.type]).toEqual([
        frame,
        'error',
        id,
        `/problems/${slug}`,
      ]);
      const text = JSON.stringify(answer);
      expect(text).toContain(named);
      expect(text).not.toContain(secret);
    }
    expect(client.closed).toBeUndefined();
    expect((await engine.get('/connections')).body.connections[0].subscriptions).toEqual([]);
  });

  test('closes a connection whose frame is over 64 KiB', async () => {
    await start();
    const client = await open();
    client.send('x'.repeat(65_537));
    await eventually(() => client.closed !== undefined, 'a close');
    expect(client.closed!.code).toBe(1009);
  });

  test('refuses subscriptions beyond the limit as a whole', async () => {
    await start({ maxSubscriptions: 2 });
    const client = await open();
    await client.ask({ type: 'subscribe', id: '1', topics: ['market.*'] });
    const refused = await client.ask({ type: 'subscribe', id: '2', topics: ['ml.*', 'risk.*'] });
    expect(refused).toMatchObject({ type: 'error', problem: { status: 422 } });
    expect((await engine.get('/connections')).body.connections[0].subscriptions).toEqual(['market.*']);
  });

  test('refuses connections beyond the limit, pages of other origins, and requests that are no handshake', async () => {
    await start({ maxConnections: 1 });
    const stranger = await open({ origin: 'http://evil.example' });
    expect(stranger.frames).toEqual([]);
    const own = await open({ origin: engine.url });
    expect(own.frames[0].type).toBe('welcome');
    const second = await open();
    expect(second.frames).toEqual([]);
    const plain = await engine.get('/ws');
    expect([plain.status, plain.type]).toEqual([503, 'application/problem+json']);
    expect((await engine.get('/connections')).body).toMatchObject({ count: 1, accepted: 1, refused: 3 });
  });
});

describe('keeping alive', () => {
  test('sends heartbeats, and keeps a client that answers pings', async () => {
    await start({ heartbeatMs: 20 });
    const client = await open();
    await eventually(() => client.frames.filter((f) => f.type === 'heartbeat').length > 8, 'heartbeats');
    expect(client.closed).toBeUndefined();
  });

  test('closes a client that gives no sign of life for three heartbeats', async () => {
    await start({ heartbeatMs: 20 });
    const { socket, closed } = await silentSocket();
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => void chunks.push(chunk));
    await eventually(() => closed(), 'the end of the connection');
    // The close frame: opcode 8, the length of what follows, the code 1001 as two bytes, the reason.
    const reason = 'no sign of life';
    const head = Buffer.from([0x88, 2 + reason.length, 1001 >> 8, 1001 & 255]);
    expect(Buffer.concat(chunks).includes(Buffer.concat([head, Buffer.from(reason)]))).toBe(true);
    await eventually(async () => (await engine.get('/connections')).body.count === 0, 'no connection');
  });
});

describe('slow clients', () => {
  test('drops and counts what a client does not read, tells it, and goes on with a gap in the numbers', async () => {
    await start({ backlogBytes: 65_536 });
    const { socket } = await silentSocket();
    const fast = await open();
    await fast.ask({ type: 'subscribe', id: '1', topics: ['market.*'] });
    socket.write(textFrame('{"type":"subscribe","id":"1","topics":["market.*"]}'));
    const slow = async () =>
      (await engine.get('/connections')).body.connections.find(
        (c: Frame) =>
          c.messages_sent >= 0 && c.remote_address && c.connection_id !== fast.frames[0].connection_id,
      );
    await eventually(
      async () => (await slow()).subscriptions.length === 1,
      'the subscription of the slow client',
    );
    let published = 0;
    while ((await slow()).messages_dropped === 0) {
      publishBars('A', 2000);
      published += 2000;
      await eventually(() => fast.messages().length === published, 'all bars at the fast client');
    }
    const { messages_sent, messages_dropped } = await slow();
    expect(messages_sent + messages_dropped).toBe(published);
    const metrics = await engine.get('/metrics');
    expect(metrics.body).toMatch(/nautilus_ws_messages_total\{outcome="dropped",engine="websocket"\} [1-9]/);

    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => void chunks.push(chunk));
    const read = () => Buffer.concat(chunks).toString('latin1');
    await eventually(
      () => read().includes(`{"type":"dropped","count":${messages_dropped}}`),
      'the loss to be told',
    );
    publishBars('A', 1);
    await eventually(() => read().includes(`{"type":"message","seq":${published + 1},`), 'the next message');
    expect(fast.messages().map((m) => m.seq)).toEqual(Array.from({ length: published + 1 }, (_, i) => i + 1));
  });
});

describe('replays', () => {
  const feed = walkBars('BTC-PERP', 500).map((bar) => ({
    body: { ...bar, source: 'replay' },
    tsEventUs: bar.ts_event_us,
  }));
  // The harness publishes as "test", while the barrier counts what the owner of the topic says.
  const owner = topics.marketLiveData.owner;

  test('takes part behind the barrier and tells clients of the course', async () => {
    await start();
    const { Bus } = await import('../../src/bus/client.ts');
    const bus = new Bus(owner, engine.hub.connect());
    const client = await open();
    await client.ask({ type: 'subscribe', id: '1', topics: ['market.*'] });
    publishBars('BTC-PERP', 3);
    engine.bus.flush();
    const outcome = await runLockstep(
      bus,
      testSpec('websocket', { participants: [owner, 'websocket'] }),
      topics.marketLiveData,
      feed,
    );
    await bus.close();
    expect(outcome.summaries.websocket).toEqual({ messages: { 'market.live_data': 500 } });
    await client.until((f) => f.type === 'replay' && f.state === 'finished');
    const course = client.frames.filter((f) => f.type === 'replay');
    expect(course.map((f) => [f.state, f.symbol, f.bars])).toEqual([
      ['running', 'BTC-PERP', 0],
      ['finished', 'BTC-PERP', 500],
    ]);
    const replayed = client.messages().filter((m) => m.session === 'session-1');
    expect(replayed.map((m) => m.ts_event_us)).toEqual(feed.map((item) => item.tsEventUs));
    // All messages come between the two frames of the course.
    expect(client.frames.indexOf(course[1])).toBe(client.frames.length - 1);
    const { body } = await engine.get('/snapshot');
    expect(body.replay).toMatchObject({ state: 'finished', bars: 500 });
    expect(body.symbols[0].bars.close).toEqual(feed.map((item) => item.body.close));
  });

  test('says that a replay was given up, also when the engine that drove it is gone', async () => {
    await start();
    const client = await open();
    const open_ = async (session: string, bars: number) => {
      const spec = testSpec('websocket', { session });
      engine.bus.publish(topics.lockstepControl, { kind: 'open', spec });
      engine.bus.publish(topics.lockstepControl, { kind: 'begin', session, data: {} });
      await client.until((f) => f.type === 'replay' && f.session === session && f.bars === bars);
    };
    await open_('one', 0);
    engine.bus.publish(topics.lockstepControl, { kind: 'abort', session: 'one', reason: 'cancelled' });
    await client.until((f) => f.type === 'replay' && f.session === 'one' && f.state === 'aborted');
    await open_('two', 0);
    const exit = { engine: owner, event: 'exited', pid: 1, exit_code: 1, detail: '' } as const;
    engine.bus.publish(topics.lifecycle, exit);
    await client.until((f) => f.type === 'replay' && f.session === 'two' && f.state === 'aborted');
  });
});

describe('routes', () => {
  test('lists nine engines: heard from, ended, and not yet heard', async () => {
    await start();
    const presence = {
      engine: 'ml',
      port: 8400,
      pid: 77,
      status: 'degraded' as const,
      missing: ['model'] as string[],
      version: '0.1.0',
      uptime_s: 3,
      rss_bytes: 1000,
      lockstep: true,
    };
    engine.bus.publish(topics.presence, presence);
    engine.bus.publish(topics.presence, { ...presence, engine: 'risk', port: 8200, pid: 78 });
    const exited = { engine: 'risk', event: 'exited', pid: 78, exit_code: null, detail: '' } as const;
    engine.bus.publish(topics.lifecycle, exited);
    await eventually(async () => {
      const { engines } = (await engine.get('/snapshot')).body;
      return engines.some((e: Frame) => e.engine === 'risk' && e.status === 'down');
    }, 'the exit');
    const { engines } = (await engine.get('/snapshot')).body;
    expect(engines.length).toBe(9);
    const by = Object.fromEntries(engines.map((e: Frame) => [e.engine, e]));
    expect(by.ml).toMatchObject({ status: 'degraded', port: 8400, missing: ['model'], rss_bytes: 1000 });
    expect(by.websocket.status).toBe('healthy');
    expect(by.factor).toMatchObject({ status: 'unknown', port: null, silent_s: null });
    engine.bus.publish(topics.presence, { ...presence, engine: 'risk', port: 8200, pid: 79, uptime_s: 0 });
    await eventually(async () => {
      const again = (await engine.get('/snapshot')).body.engines;
      return again.some((e: Frame) => e.engine === 'risk' && e.status === 'degraded');
    }, 'the restarted engine');
  });

  test('keeps the snapshot with nobody connected, and bounds its bars', async () => {
    await start();
    publishBars('BTC-PERP', 700);
    await eventually(async () => (await engine.get('/snapshot')).body.symbols.length === 1, 'the bars');
    const { body } = await engine.get('/snapshot');
    expect(body.symbols[0]).toMatchObject({
      symbol: 'BTC-PERP',
      source: 'simulated',
      interval_us: 60_000_000,
    });
    expect(body.symbols[0].bars.close).toEqual(
      walkBars('BTC-PERP', 700)
        .slice(-600)
        .map((b) => b.close),
    );
    expect((await engine.get('/snapshot?bars=2')).body.symbols[0].bars.ts_us.length).toBe(2);
    for (const bad of [
      '/snapshot?bars=601',
      '/snapshot?bar=1',
      '/connections?limit=0',
      '/connections?offset=x',
    ]) {
      expect([bad, (await engine.get(bad)).status]).toEqual([bad, 422]);
    }
  });

  test('lists connections page by page', async () => {
    await start();
    const ids = [];
    for (let i = 0; i < 3; i++) ids.push((await open()).frames[0].connection_id);
    const { body } = await engine.get('/connections?limit=2&offset=1');
    expect(body).toMatchObject({ count: 3, limit: 2, offset: 1 });
    expect(body.connections.map((c: Frame) => c.connection_id)).toEqual(ids.slice(1));
    const metrics = await engine.get('/metrics');
    expect(metrics.body).toContain('nautilus_ws_connections{engine="websocket"} 3');
    expect((await engine.get('/system/status')).body.connections).toBe(3);
  });

  test('serves the page and its files and nothing else of the file system', async () => {
    await start();
    const page = await fetch(`${engine.url}/`);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const html = await page.text();
    const files = [...html.matchAll(/(?:src|href)="(\/console\/[^"]+)"/g)].map((m) => m[1]!);
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) expect([file, (await engine.get(file)).status]).toEqual([file, 200]);
    expect((await fetch(`${engine.url}/console/app.js`)).headers.get('content-type')).toContain(
      'text/javascript',
    );
    for (const bad of [
      '/console/engine.test.ts',
      '/console/..%2fpackage.json',
      '/console/%2e%2e/package.json',
    ]) {
      expect([bad, (await engine.get(bad)).status]).toEqual([bad, 404]);
    }
  });

  test('says goodbye to its clients when it stops', async () => {
    await start();
    const client = await open();
    await engine.restart(definition);
    await eventually(() => client.closed !== undefined, 'a close');
    expect(client.closed!.code).toBe(1001);
  });
});
