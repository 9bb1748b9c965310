// The hub's log and leases pass the suites of all carriers over real sockets; what only sockets and peers do to them.
import { afterEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../test/support/eventually.ts';
import { DependencyUnavailableError, InvalidOptionError } from '../core/errors.ts';
import { encodeFrame, type Frame, FrameDecoder, FrameType } from './frame.ts';
import { HubLeases, HubLink, HubLog } from './hub-log.ts';
import { HubServer } from './hub-server.ts';
import { leaseConformance } from './lease-conformance.ts';
import { logConformance } from './log-conformance.ts';
import { LogStore } from './log-store.ts';
import { WriteQueue } from './write-queue.ts';

const QUEUE = 64 * 2 ** 20;
const RETRY = { first: 5, longest: 20 };

/** A hub with a log file in a folder of its own, which can be ended and started again. */
class TestHub {
  readonly folder = mkdtempSync(join(tmpdir(), 'hub-'));
  readonly socketPath = join(this.folder, 's');
  readonly errors: unknown[] = [];
  hub!: HubServer;
  readonly #links: HubLink[] = [];

  constructor(readonly maxQueuedBytes = QUEUE) {
    this.start();
  }

  start(): void {
    this.hub = new HubServer({
      socketPath: this.socketPath,
      maxQueuedBytes: this.maxQueuedBytes,
      log: new LogStore({ path: join(this.folder, 'log.sqlite') }),
      onProtocolError: (_, error) => this.errors.push(error),
    });
    this.hub.listen();
  }

  stop(): void {
    this.hub.close();
  }

  async link(): Promise<HubLink> {
    const link = new HubLink({ socketPath: this.socketPath, name: 'test', retryMs: RETRY });
    this.#links.push(link);
    await eventually(() => link.connected, 'connected');
    return link;
  }

  async close(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.close()));
    this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

logConformance(
  'hub',
  async () => {
    const hub = new TestHub();
    return {
      connect: async () => new HubLog(await hub.link()),
      restart: async () => {
        hub.stop();
        hub.start();
      },
      close: () => hub.close(),
    };
  },
  { restarts: true },
);

leaseConformance('hub', async () => {
  const hub = new TestHub();
  return { connect: async () => new HubLeases(await hub.link()), close: () => hub.close() };
});

describe('hub log', () => {
  const hubs: TestHub[] = [];
  afterEach(async () => {
    for (const hub of hubs.splice(0)) await hub.close();
  });
  const startHub = (maxQueuedBytes = QUEUE) => {
    const hub = new TestHub(maxQueuedBytes);
    hubs.push(hub);
    return hub;
  };
  const stream = { topic: 't', partition: 0 };
  const place = { ...stream, generation: '', position: 0 };

  test('rejects at once what is asked while the hub is away, and answers when it is back', async () => {
    const hub = startHub();
    const link = await hub.link();
    const [log, leases] = [new HubLog(link), new HubLeases(link)];
    expect(await log.append(stream, 'g', 1, ['1'])).toBe(1);
    hub.stop();
    await eventually(() => !log.connected, 'the loss is noticed');
    await expect(log.append(stream, 'g', 2, ['2'])).rejects.toThrow(DependencyUnavailableError);
    await expect(leases.holders('group')).rejects.toThrow(DependencyUnavailableError);
    hub.start();
    await eventually(() => log.connected, 'the client is back');
    expect(await log.append(stream, 'g', 2, ['2'])).toBe(2);
    expect(await leases.holders('group')).toEqual([]);
  });

  test('carries epochs over a restart of the hub through the least epoch', async () => {
    const hub = startHub();
    const leases = new HubLeases(await hub.link());
    const claim = async (minEpoch: number) =>
      (await leases.claim('group', 'a', [{ resource: '0', minEpoch }], 60_000))[0]!.epoch;
    expect(await claim(5)).toBe(6);
    hub.stop();
    hub.start();
    let epoch = 0;
    await eventually(async () => {
      epoch = await claim(6).catch(() => 0);
      return epoch > 0;
    }, 'claimed again');
    expect(epoch).toBe(7);
  });

  test('answers 0 once when the hub has lost a stream, so that its owner begins with its oldest event', async () => {
    const hub = startHub();
    await new HubLog(await hub.link()).append(stream, 'g', 1, ['1', '2']);
    const log = new HubLog(await hub.link());
    expect((await log.bounds(stream)).last).toBe(2);
    hub.stop();
    for (const suffix of ['', '-wal', '-shm'])
      rmSync(join(hub.folder, `log.sqlite${suffix}`), { force: true });
    hub.start();
    let last = -1;
    await eventually(async () => {
      last = await log.append(stream, 'g', 3, ['3']).catch(() => -1);
      return last >= 0;
    }, 'the hub answers');
    expect(last).toBe(0);
    expect((await log.bounds(stream)).last).toBe(0);
    expect(await log.append(stream, 'g', 1, ['1', '2', '3'])).toBe(3);
  });

  test('frees what a lost client waited for', async () => {
    const hub = startHub();
    const [gone, stays] = [await hub.link(), await hub.link()];
    const outcome = new HubLog(gone).read([place], { maxEvents: 1, waitMs: 60_000 }).catch((error) => error);
    await gone.close();
    expect(await outcome).toBeInstanceOf(DependencyUnavailableError);
    await eventually(() => hub.hub.clients().length === 1, 'the hub has noticed');
    expect(await new HubLog(stays).append(stream, 'g', 1, ['1'])).toBe(1);
  });

  test('takes an append of many megabytes, and those that follow it at once, in order', async () => {
    const hub = startHub();
    const log = new HubLog(await hub.link());
    const large = Array.from({ length: 20 }, (_, i) => `"${i}${'x'.repeat(500_000)}"`);
    const sent = [
      log.append(stream, 'g', 1, large),
      log.append(stream, 'g', 21, ['"next"']),
      log.append(stream, 'g', 22, large),
    ];
    expect(await Promise.all(sent)).toEqual([20, 21, 41]);
    expect(await log.append(stream, 'g', 42, ['1'])).toBe(42);
  });

  /** A peer that speaks frames by hand. */
  async function rawPeer(hub: TestHub) {
    const frames: Frame[] = [];
    const decoder = new FrameDecoder();
    let queue: WriteQueue | undefined;
    const socket = await Bun.connect({
      unix: hub.socketPath,
      socket: {
        data: (_, chunk) => decoder.push(chunk, (frame) => void frames.push(frame)),
        drain: () => queue?.flush(),
      },
    });
    queue = new WriteQueue(socket, QUEUE, () => {});
    const ask = (id: number, method: string, payload: string) =>
      queue?.push(encodeFrame(FrameType.Request, id, method, payload));
    return { socket, frames, ask };
  }

  test('refuses what it cannot read, and goes on', async () => {
    const hub = startHub();
    const peer = await rawPeer(hub);
    peer.ask(1, 'log.nonsense', '{}');
    peer.ask(2, 'log.append', '{broken');
    peer.ask(3, 'log.append', 'null');
    peer.ask(
      4,
      'log.append',
      '{"topic":"t","partition":0,"generation":"g","first":1,"known":false,"payloads":[{"a":1}]}',
    );
    peer.ask(
      5,
      'log.append',
      '{"topic":7,"partition":"x","generation":"g","first":1,"known":false,"payloads":["1"]}',
    );
    peer.ask(6, 'log.read', '{"places":"all","maxEvents":1,"waitMs":0}');
    peer.ask(7, 'leases.claim', '{"group":"g","member":"m","resources":[7],"ttlMs":"long"}');
    peer.ask(8, 'toString', '{}');
    peer.ask(9, 'log.bounds', '{"topic":"t","partition":0}');
    await eventually(() => peer.frames.length === 9, 'nine replies');
    const replies = new Map(
      peer.frames.map((f) => [f.number, `${f.name} ${f.payload}`.replace(/,"detail.*/, '')]),
    );
    for (let id = 1; id <= 8; id++) expect(replies.get(id)).toBe('error {"slug":"invalid-option"');
    expect(replies.get(9)).toBe('ok {"generation":"","first":0,"last":0}');
    peer.socket.end();
    await expect((await hub.link()).request('log.bounds', { topic: '', partition: 0 })).rejects.toThrow(
      InvalidOptionError,
    );
    expect(hub.errors).toEqual([]);
  });

  test('refuses more requests at once than it keeps', async () => {
    const hub = startHub();
    const peer = await rawPeer(hub);
    const wait = JSON.stringify({ places: [place], maxEvents: 1, waitMs: 60_000 });
    for (let id = 1; id <= 1030; id++) peer.ask(id, 'log.read', wait);
    await eventually(() => peer.frames.length === 6, 'six are refused');
    expect(peer.frames.every((f) => f.name === 'error')).toBe(true);
    for (let id = 1; id <= 10; id++) peer.socket.write(encodeFrame(FrameType.Cancel, id, ''));
    await eventually(() => peer.frames.length === 16, 'cancelled reads are answered');
    peer.socket.end();
  });

  test('cuts off a peer that asks and does not read the answers', async () => {
    const hub = startHub(256 * 1024);
    const log = new HubLog(await hub.link());
    await log.append(stream, 'g', 1, Array(100).fill(`"${'x'.repeat(10_000)}"`));
    const peer = await rawPeer(hub);
    peer.socket.pause();
    const read = JSON.stringify({ places: [place], maxEvents: 100, waitMs: 0 });
    let id = 0;
    await eventually(() => {
      peer.ask(++id, 'log.read', read);
      return hub.errors.length > 0;
    }, 'the hub gives it up');
    expect(String(hub.errors[0])).toContain('not read');
    expect((await log.bounds(stream)).last).toBe(100);
    peer.socket.terminate();
  });
});
