// The hub transport passes the suite of all transports, and survives what only sockets do to it.
import { afterEach, describe, expect, test } from 'bun:test';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../test/support/eventually.ts';
import { Bus } from './client.ts';
import { busConformance } from './conformance.ts';
import { encodeFrame, FrameDecoder, FrameType } from './frame.ts';
import { HubTransport } from './hub-client.ts';
import { HubServer } from './hub-server.ts';
import { topics } from './topics.ts';

const socketPath = () => join(mkdtempSync(join(tmpdir(), 'hub-')), 's');
const QUEUE = 64 * 2 ** 20;

busConformance('hub', async () => {
  const path = socketPath();
  const hub = new HubServer({ socketPath: path, maxQueuedBytes: QUEUE });
  hub.listen();
  // The suite also runs with the hub's own client in the middle of the sockets.
  return {
    connect: (name) => (name === 'p' ? hub.connect() : new HubTransport({ socketPath: path, name })),
    close: () => hub.close(),
  };
});

const fill = (id: string, quantity = '1') => ({
  fill_id: id,
  order_id: 'o',
  portfolio_id: 'p',
  symbol: 'S',
  side: 'buy' as const,
  quantity,
  price: '1',
  fee: '0',
  ts_event_us: 1,
});

describe('hub', () => {
  const cleanup: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of cleanup.splice(0).reverse()) await end();
  });

  function startHub(path: string, maxQueuedBytes = QUEUE, errors: unknown[] = []): HubServer {
    const hub = new HubServer({
      socketPath: path,
      maxQueuedBytes,
      onProtocolError: (_, error) => errors.push(error),
    });
    hub.listen();
    cleanup.push(() => hub.close());
    return hub;
  }

  function connect(path: string, name: string): Bus {
    const bus = new Bus(
      name,
      new HubTransport({ socketPath: path, name, retryMs: { first: 5, longest: 20 } }),
    );
    cleanup.push(() => bus.close());
    return bus;
  }

  test('a client connects when the hub appears, and resubscribes after the hub was away', async () => {
    const path = socketPath();
    const [reader, writer] = [connect(path, 'r'), connect(path, 'w')];
    expect(reader.connected).toBe(false);
    const got: string[] = [];
    const subscribed = reader.subscribe(topics.fills, (batch) => {
      for (const e of batch) got.push((e.body as { fill_id: string }).fill_id);
    });
    const first = startHub(path);
    await subscribed;
    await eventually(() => writer.connected, 'writer connected');
    writer.publish(topics.fills, fill('1'));
    await eventually(() => got.length === 1, 'first message');
    first.close();
    await eventually(() => !reader.connected && !writer.connected, 'loss noticed');
    writer.publish(topics.fills, fill('lost'));
    writer.flush();
    expect(writer.stats().dropped_disconnected).toBe(1);
    const second = startHub(path);
    await eventually(
      () => reader.connected && writer.connected && second.clients().length === 2,
      'both are back',
    );
    // The subscription is sent before anything else on the new connection; a round trip shows that it was taken.
    await reader.subscribe('none', () => {});
    writer.publish(topics.fills, fill('2'));
    await eventually(() => got.length === 2, 'message after the hub came back');
    expect(got).toEqual(['1', '2']);
  });

  test('a second subscription to a pattern is made when the hub has confirmed it, not before', async () => {
    const path = socketPath();
    const decoder = new FrameDecoder();
    const asked: number[] = [];
    let confirm = (_: number) => {};
    const listener = Bun.listen({
      unix: path,
      socket: {
        data: (socket, chunk) => {
          confirm = (id) => void socket.write(encodeFrame(FrameType.Subscribed, id, 'p'));
          decoder.push(chunk, (f) => void (f.type === FrameType.Subscribe && asked.push(f.number)));
        },
      },
    });
    cleanup.push(() => listener.stop(true));
    const bus = connect(path, 'reader');
    await eventually(() => bus.connected, 'connected');
    let made = 0;
    const subscribed = [1, 2].map(() => bus.subscribe('p', () => {}).then(() => made++));
    await eventually(() => asked.length === 2, 'a request for each');
    expect(made).toBe(0);
    for (const id of asked) confirm(id);
    await Promise.all(subscribed);
  });

  test('a subscription that is taken away while the hub is gone is over, and leaves the others waiting', async () => {
    const path = socketPath();
    const transport = new HubTransport({ socketPath: path, name: 'r', retryMs: { first: 5, longest: 20 } });
    cleanup.push(() => transport.close());
    transport.start({ onBatch() {}, onDropped() {}, onPoison() {} });
    const over: string[] = [];
    const asked = ['a', 'a', 'b'].map((pattern) =>
      transport.subscribe(pattern).then(() => over.push(pattern)),
    );
    await transport.unsubscribe('a');
    await Promise.all(asked.slice(0, 2));
    expect(over).toEqual(['a', 'a']);
    startHub(path);
    await asked[2];
    expect(over).toEqual(['a', 'a', 'b']);
  });

  test('bounds what it keeps for a reader that does not read, and tells it how much it lost', async () => {
    const path = socketPath();
    const hub = startHub(path, 256 * 1024);
    const writer = connect(path, 'w');
    const decoder = new FrameDecoder();
    let messages = 0;
    let dropped = 0;
    const stalled = await Bun.connect({
      unix: path,
      socket: {
        data: (_, chunk) =>
          decoder.push(chunk, (f) => {
            if (f.type === FrameType.Batch) messages += f.number;
            if (f.type === FrameType.Dropped) dropped += f.number;
          }),
      },
    });
    cleanup.push(() => stalled.end());
    stalled.write(encodeFrame(FrameType.Hello, 1, 'stalled'));
    stalled.write(encodeFrame(FrameType.Subscribe, 1, 'strategy.*'));
    await eventually(
      () => hub.clients().some((c) => c.name === 'stalled') && writer.connected,
      'both connected',
    );
    stalled.pause();
    const reason = 'x'.repeat(900);
    for (let i = 0; i < 3000; i++) {
      writer.publish(topics.fills, fill(`${i}-${reason}`.slice(0, 128)));
      writer.flush();
    }
    const info = () => hub.clients().find((c) => c.name === 'stalled')!;
    await eventually(() => info().droppedMessages > 0, 'the hub drops for the stalled reader');
    expect(info().queuedBytes).toBeLessThanOrEqual(256 * 1024 + 64);
    stalled.resume();
    await eventually(() => messages + dropped === 3000, 'each message delivered or counted');
    expect(dropped).toBe(info().droppedMessages);
  });

  test('cuts off a peer that breaks the format and goes on serving the others', async () => {
    const path = socketPath();
    const errors: unknown[] = [];
    startHub(path, QUEUE, errors);
    const bus = connect(path, 'good');
    let got = 0;
    await bus.subscribe(topics.fills, (batch) => {
      got += batch.length;
    });
    let closed = 0;
    for (const bytes of [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.alloc(64),
      Buffer.from([255, 255, 255, 255, 0]),
    ]) {
      const bad = await Bun.connect({ unix: path, socket: { data() {}, close: () => void closed++ } });
      bad.write(bytes);
    }
    await eventually(() => errors.length === 3 && closed === 3, 'all three cut off');
    bus.publish(topics.fills, fill('1'));
    await eventually(() => got === 1, 'the good client is served');
  });

  test('closes a client whose hub has just died with messages under way', async () => {
    const path = socketPath();
    const hub = startHub(path);
    const bus = connect(path, 'a');
    await eventually(() => bus.connected, 'connected');
    hub.close();
    for (let i = 0; i < 1000; i++) bus.publish(topics.fills, fill(`${i}`));
    await bus.close();
    expect(bus.connected).toBe(false);
  });

  test('counts a batch that is not JSON as poison and delivers the next', async () => {
    const path = socketPath();
    startHub(path);
    const bus = connect(path, 'reader');
    let got = 0;
    await bus.subscribe(topics.fills, (batch) => {
      got += batch.length;
    });
    const raw = await Bun.connect({ unix: path, socket: { data() {} } });
    cleanup.push(() => raw.end());
    raw.write(encodeFrame(FrameType.Batch, 1, 'strategy.fills', '{broken'));
    raw.write(encodeFrame(FrameType.Batch, 1, 'strategy.fills', '[{"no":"envelope"}]'));
    await eventually(() => bus.stats().poison === 2, 'poison counted');
    bus.publish(topics.fills, fill('1'));
    await eventually(() => got === 1, 'the next batch');
  });

  test('decodes frames however the stream is cut', () => {
    const frames = ['a', 'b', 'ü'.repeat(50)].map((name, i) =>
      encodeFrame(FrameType.Batch, i, name, `[${i}]`),
    );
    const stream = Buffer.concat(frames);
    for (let cut = 1; cut < stream.length; cut++) {
      const decoder = new FrameDecoder();
      const seen: string[] = [];
      for (let at = 0; at < stream.length; at += cut) {
        decoder.push(
          stream.subarray(at, at + cut),
          (f) => void seen.push(`${f.name}${f.number}${f.payload}`),
        );
      }
      expect(seen).toEqual(['a0[0]', 'b1[1]', `${'ü'.repeat(50)}2[2]`]);
    }
  });
});
