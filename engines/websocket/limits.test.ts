// What the WebSocket engine does with clients that are wrong, dead or slow.
import { afterEach, describe, expect, test } from 'bun:test';
import { eventually } from '../../test/support/eventually.ts';
import { type Frame, Harness, textFrame } from '../../test/support/websocket.ts';

let harness: Harness;
afterEach(() => harness.stop());

describe('bad input', () => {
  test('answers each malformed frame with a problem, keeps the connection and echoes no value', async () => {
    harness = await Harness.start();
    const client = await harness.open();
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
    expect((await harness.engine.get('/connections')).body.connections[0].subscriptions).toEqual([]);
  });

  test('closes a connection whose frame is over 64 KiB', async () => {
    harness = await Harness.start();
    const client = await harness.open();
    client.send('x'.repeat(65_537));
    await eventually(() => client.closed !== undefined, 'a close');
    expect(client.closed!.code).toBe(1009);
  });

  test('refuses subscriptions beyond the limit as a whole', async () => {
    harness = await Harness.start({ maxSubscriptions: 2 });
    const client = await harness.open();
    await client.ask({ type: 'subscribe', id: '1', topics: ['market.*'] });
    const refused = await client.ask({ type: 'subscribe', id: '2', topics: ['ml.*', 'risk.*'] });
    expect(refused).toMatchObject({ type: 'error', problem: { status: 422 } });
    expect((await harness.engine.get('/connections')).body.connections[0].subscriptions).toEqual([
      'market.*',
    ]);
  });

  test('refuses connections beyond the limit, pages of other origins, and requests that are no handshake', async () => {
    harness = await Harness.start({ maxConnections: 1 });
    const stranger = await harness.open({ origin: 'http://evil.example' });
    expect(stranger.frames).toEqual([]);
    const own = await harness.open({ origin: harness.engine.url });
    expect(own.frames[0].type).toBe('welcome');
    const second = await harness.open();
    expect(second.frames).toEqual([]);
    const plain = await harness.engine.get('/ws');
    expect([plain.status, plain.type]).toEqual([503, 'application/problem+json']);
    expect((await harness.engine.get('/connections')).body).toMatchObject({
      count: 1,
      accepted: 1,
      refused: 3,
    });
  });
});

describe('keeping alive', () => {
  test('sends heartbeats, and keeps a client that answers pings', async () => {
    harness = await Harness.start({ heartbeatMs: 20 });
    const client = await harness.open();
    await eventually(() => client.frames.filter((f) => f.type === 'heartbeat').length > 8, 'heartbeats');
    expect(client.closed).toBeUndefined();
  });

  test('closes a client that gives no sign of life for three heartbeats', async () => {
    harness = await Harness.start({ heartbeatMs: 20 });
    const { socket, closed } = await harness.silentSocket();
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => void chunks.push(chunk));
    await eventually(() => closed(), 'the end of the connection');
    // The close frame: opcode 8, the length of what follows, the code 1001 as two bytes, the reason.
    const reason = 'no sign of life';
    const head = Buffer.from([0x88, 2 + reason.length, 1001 >> 8, 1001 & 255]);
    expect(Buffer.concat(chunks).includes(Buffer.concat([head, Buffer.from(reason)]))).toBe(true);
    await eventually(
      async () => (await harness.engine.get('/connections')).body.count === 0,
      'no connection',
    );
  });
});

describe('slow clients', () => {
  test('drops and counts what a client does not read, tells it, and goes on with a gap in the numbers', async () => {
    harness = await Harness.start({ backlogBytes: 65_536 });
    const { socket } = await harness.silentSocket();
    const fast = await harness.open();
    await fast.ask({ type: 'subscribe', id: '1', topics: ['market.*'] });
    socket.write(textFrame('{"type":"subscribe","id":"1","topics":["market.*"]}'));
    const slow = async () =>
      (await harness.engine.get('/connections')).body.connections.find(
        (c: Frame) =>
          c.messages_sent >= 0 && c.remote_address && c.connection_id !== fast.frames[0].connection_id,
      );
    await eventually(
      async () => (await slow()).subscriptions.length === 1,
      'the subscription of the slow client',
    );
    let published = 0;
    while ((await slow()).messages_dropped === 0) {
      harness.publishBars('A', 2000);
      published += 2000;
      await eventually(() => fast.messages().length === published, 'all bars at the fast client');
    }
    const { messages_sent, messages_dropped, buffered_bytes } = await slow();
    expect(messages_sent + messages_dropped).toBe(published);
    // What was let through, and the one frame that went beyond it.
    expect(buffered_bytes).toBeLessThan(65_536 + 300_000);
    for (const bid of ['1', '2', '3']) harness.publishQuote('A', bid);
    harness.publishQuote('B', '4');
    await eventually(() => fast.messages().length === published + 4, 'all quotes at the fast client');
    expect(await slow()).toMatchObject({ messages_sent, messages_dropped, messages_conflated: 2 });
    const metrics = await harness.engine.get('/metrics');
    expect(metrics.body).toMatch(/nautilus_ws_messages_total\{outcome="dropped",engine="websocket"\} [1-9]/);

    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => void chunks.push(chunk));
    const read = () => Buffer.concat(chunks).toString('latin1');
    await eventually(
      () => read().includes(`{"type":"dropped","count":${messages_dropped + 2}}`),
      'the loss to be told',
    );
    // Then the newest quote of each symbol, and what comes after it.
    await eventually(() => read().includes(`{"type":"batch","seq":${published + 3},`), 'the newest quotes');
    expect(read().match(/"bid":"\d"/g)).toEqual(['"bid":"3"', '"bid":"4"']);
    harness.publishBars('A', 1);
    await eventually(() => read().includes(`{"type":"message","seq":${published + 5},`), 'the next message');
    expect(fast.messages().map((m) => m.seq)).toEqual(Array.from({ length: published + 5 }, (_, i) => i + 1));
  });
});
