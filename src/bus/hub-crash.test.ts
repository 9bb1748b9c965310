// The hub is killed and paused under load: nothing that it acknowledged is lost, doubled or out of order.
import { afterEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../test/support/eventually.ts';
import { HubProcess } from '../../test/support/hub-process.ts';
import { DependencyUnavailableError } from '../core/errors.ts';
import type { LogPlace } from './event-log.ts';
import { HubLeases, HubLink, HubLog } from './hub-log.ts';
import { PartitionHolder } from './partition-holder.ts';

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of cleanup.splice(0).reverse()) await end();
});

async function startHub() {
  const folder = mkdtempSync(join(tmpdir(), 'hub-'));
  cleanup.push(() => rmSync(folder, { recursive: true, force: true }));
  const hub = new HubProcess(folder);
  await hub.start();
  cleanup.push(() => hub.kill());
  const link = () => {
    const made = new HubLink({
      socketPath: hub.socketPath,
      name: 'test',
      retryMs: { first: 5, longest: 50 },
    });
    cleanup.push(() => made.close());
    return made;
  };
  return { hub, link };
}

/** Rejections because the hub is away are expected here; anything else fails the test. */
function onlyAway(error: unknown): undefined {
  if (!(error instanceof DependencyUnavailableError)) throw error;
  return undefined;
}

test('loses nothing that it acknowledged when it is killed again and again under load', async () => {
  const { hub, link } = await startHub();
  const streams = Array.from({ length: 8 }, (_, partition) => ({ topic: 't', partition }));
  const acknowledged = streams.map(() => 0);
  const read = streams.map((): number[] => []);
  let stopping = false;
  let written = false;

  const write = async (log: HubLog, i: number) => {
    while (!stopping) {
      const first = acknowledged[i]! + 1;
      const payloads = Array.from({ length: 1 + (first % 9) }, (_, k) => `${first + k}`);
      const last = await log.append(streams[i]!, 'g', first, payloads).catch(onlyAway);
      if (last === undefined) await Bun.sleep(2);
      else {
        // What was not acknowledged may be there all the same, but never less than what was.
        expect(last).toBeGreaterThanOrEqual(acknowledged[i]!);
        acknowledged[i] = last;
      }
    }
  };
  const consume = async (log: HubLog) => {
    const places: LogPlace[] = streams.map((stream) => ({ ...stream, generation: '', position: 0 }));
    const done = () => written && read.every((seen, i) => seen.length >= acknowledged[i]!);
    while (!done()) {
      const batches = await log.read(places, { maxEvents: 100, waitMs: 100 }).catch(onlyAway);
      if (!batches) await Bun.sleep(2);
      for (const { generation, partition, topic, events } of batches ?? []) {
        for (const { position, payload } of events) {
          expect(payload).toBe(`${position}`);
          read[partition]!.push(position);
        }
        places[partition] = { topic, partition, generation, position: events.at(-1)!.position };
      }
    }
  };

  const writers = link();
  const reading = consume(new HubLog(link()));
  const writing = Promise.all(streams.map((_, i) => write(new HubLog(writers), i)));
  for (let round = 1; round <= 6; round++) {
    const goal = acknowledged.map((last) => last + 30);
    await eventually(() => acknowledged.every((last, i) => last >= goal[i]!), `progress in round ${round}`);
    await hub.kill();
    await hub.start();
  }
  stopping = true;
  await writing;
  written = true;
  await reading;
  for (const [i, seen] of read.entries()) {
    expect(seen).toEqual(Array.from({ length: seen.length }, (_, k) => k + 1));
    expect(seen.length).toBeGreaterThanOrEqual(acknowledged[i]!);
  }
});

test('members find their partitions again after the hub was killed, with greater epochs', async () => {
  const { hub, link } = await startHub();
  const fence = new Map<string, number>();
  const fenced: string[] = [];
  const join = (member: string) => {
    const holder = new PartitionHolder({
      board: new HubLeases(link()),
      group: 'g',
      member,
      resources: ['0', '1', '2', '3'],
      ttlMs: 500,
      minEpoch: (resource) => fence.get(resource) ?? 0,
      onGained: (resource, epoch) => {
        if (epoch <= (fence.get(resource) ?? 0)) fenced.push(`${resource}@${epoch} of ${member}`);
        fence.set(resource, epoch);
      },
      onLost: () => {},
    });
    cleanup.push(() => holder.stop());
    return holder;
  };
  const [a, b] = [join('a'), join('b')];
  await Promise.all([a.start(), b.start()]);
  const shared = () => a.held.size === 2 && b.held.size === 2;
  await eventually(shared, 'shared');
  await hub.kill();
  await eventually(() => a.held.size + b.held.size === 0, 'given up');
  const before = new Map(fence);
  await hub.start();
  await eventually(shared, 'shared again');
  for (const [resource, epoch] of [...a.held, ...b.held])
    expect(epoch).toBeGreaterThan(before.get(resource)!);
  expect(fenced).toEqual([]);
});

test('a hub that hangs counts as away after a time, and its late answer is not mistaken for another', async () => {
  const { hub } = await startHub();
  const made = new HubLink({ socketPath: hub.socketPath, name: 'test', timeoutMs: 1500 });
  cleanup.push(() => made.close());
  const log = new HubLog(made);
  await eventually(() => log.connected, 'connected');
  const stream = { topic: 't', partition: 0 };
  expect(await log.append(stream, 'g', 1, ['1'])).toBe(1);
  hub.signal('SIGSTOP');
  const late = await Promise.allSettled([log.append(stream, 'g', 2, ['2']), log.bounds(stream)]);
  for (const each of late) {
    expect(each).toMatchObject({ status: 'rejected', reason: expect.any(DependencyUnavailableError) });
  }
  hub.signal('SIGCONT');
  expect(await log.bounds(stream)).toEqual({ generation: 'g', first: 1, last: 2 });
});

test('a paused hub answers when it goes on; whoever waited too long has given up its partitions', async () => {
  const { hub, link } = await startHub();
  const log = new HubLog(link());
  await eventually(() => log.connected, 'connected');
  const holder = new PartitionHolder({
    board: new HubLeases(link()),
    group: 'g',
    member: 'a',
    resources: ['0'],
    ttlMs: 300,
    minEpoch: () => 0,
    onGained: () => {},
    onLost: () => {},
  });
  cleanup.push(() => holder.stop());
  await holder.start();
  await eventually(() => holder.held.size === 1, 'held');
  hub.signal('SIGSTOP');
  const append = log.append({ topic: 't', partition: 0 }, 'g', 1, ['1']);
  await eventually(() => holder.held.size === 0, 'given up');
  hub.signal('SIGCONT');
  expect(await append).toBe(1);
  await eventually(() => holder.held.size === 1, 'held again');
});
