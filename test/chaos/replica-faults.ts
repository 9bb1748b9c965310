// Replicas that fight for a partition: one dies, or is paused until others have taken over and comes back, or nobody can store for a while.
import { join } from 'node:path';
import { PARTITIONS, partitionOf } from '../../src/bus/partition.ts';
import { eventually } from '../support/eventually.ts';
import { LockHolder } from '../support/lock-holder.ts';
import { type Fault, told } from './fault.ts';
import type { Random } from './random.ts';
import { curves, sumsAreRight, Witness } from './witness.ts';
import { LEASE_MS, REPLICAS, type World } from './world.ts';

const LABELS = Array.from({ length: REPLICAS }, (_, i) => `analytics.${i}`);

interface Status {
  readonly uptime_s: number;
  readonly partitions: readonly number[];
}

export const REPLICA_FAULTS: readonly Fault[] = [
  {
    name: 'kill -9 of a replica',
    weight: 3,
    fits: () => true,
    inject: (world, random) =>
      takeOver(world, random, async (victim, lost) => {
        const before = await epochs(world);
        world.signal(victim, 'SIGKILL');
        await taken(world, before, lost);
      }),
  },
  {
    name: 'replica paused until others have taken over (SIGSTOP)',
    weight: 3,
    fits: () => true,
    inject: (world, random) =>
      takeOver(world, random, async (victim) => {
        const pid = world.pid(victim);
        world.signal(victim, 'SIGSTOP');
        const others = LABELS.filter((label) => label !== victim);
        // One that was paused in the middle of a transaction keeps the others from storing, until it is ended for its silence;
        // what is said meanwhile waits.
        const isEnded = () => world.pid(victim) !== pid;
        await eventually(
          async () => isEnded() || partitionsOf(await held(world, others)).size === PARTITIONS,
          'all partitions with the others',
          30_000,
        );
        if (isEnded()) return;
        const then = await epochs(world);
        world.signal(victim, 'SIGCONT');
        await claimsNothingOf(then, world, victim);
      }),
  },
  {
    name: 'database of the replicas held by a paused process, and a replica killed',
    weight: 2,
    fits: (world) => world.options.store === 'sqlite',
    inject: (world, random) =>
      takeOver(world, random, async (victim, lost) => {
        const before = await epochs(world);
        const holder = await LockHolder.pausedIn(join(world.dataDir, 'analytics.sqlite'));
        try {
          await told(world, ['analytics'], 'database', 20_000);
          world.signal(victim, 'SIGKILL');
          // So long that the others have its leases, which they cannot use yet.
          await Bun.sleep(LEASE_MS + random.below(LEASE_MS));
        } finally {
          await holder.end();
        }
        await taken(world, before, lost);
      }),
  },
];

/** Lets `fault` happen to a replica that has something to do; throws unless everything was done, and nothing twice. */
async function takeOver(
  world: World,
  random: Random,
  fault: (victim: string, lost: readonly number[]) => Promise<void>,
): Promise<void> {
  // What an earlier fault still breaks would not be of this one's making.
  await world.group?.whole();
  await world.healthy();
  const shares = await sharedOut(world, 2 * LEASE_MS);
  const witness = await Witness.start(world);
  const partition = partitionOf(`chaos_${random.below(5)}`);
  const victim = shares.findIndex((share) => share.partitions.includes(partition));
  await fault(LABELS[victim]!, shares[victim]!.partitions);
  await world.healthy();
  await sharedOut(world);
  await witness.close();
  await witness.compare();
  const wrong = (await curves(world)).filter((curve) => !sumsAreRight(curve));
  if (wrong.length > 0) throw new Error(`Wrong sums of ${wrong.map((curve) => curve.portfolio_id)}`);
}

/** Resolves when each of the partitions has a holder that is newer than `before`. */
async function taken(
  world: World,
  before: ReadonlyMap<number, number>,
  partitions: readonly number[],
): Promise<void> {
  await eventually(
    async () => {
      const now = await epochs(world);
      return partitions.every((partition) => now.get(partition)! > before.get(partition)!);
    },
    'a new holder of each partition',
    30_000,
  );
}

/** Throws when a replica takes partitions for its own that belong to others since `then`, from its first answer on. */
async function claimsNothingOf(
  then: ReadonlyMap<number, number>,
  world: World,
  label: string,
): Promise<void> {
  const said = await statusOf(world, label);
  const now = await epochs(world);
  // It may have been given some again, and then with a new epoch.
  const claimed = (said?.partitions ?? []).filter((partition) => now.get(partition) === then.get(partition));
  if (claimed.length > 0) throw new Error(`Expected ${label} to know that it has lost ${claimed}`);
}

/** What replicas say of themselves, if they answer. */
async function held(world: World, labels: readonly string[] = LABELS): Promise<Status[]> {
  const all = await Promise.all(labels.map((label) => statusOf(world, label)));
  return all.flatMap((status) => status ?? []);
}

async function statusOf(world: World, label: string): Promise<Status | undefined> {
  const reply = await world.request(label, '/system/status').catch(() => undefined);
  return reply?.body as Status | undefined;
}

const partitionsOf = (all: readonly Status[]) => new Set(all.flatMap((one) => one.partitions));

/**
 * Resolves with the shares when each partition is one replica's, all shares are fair, and all have run for `uptimeMs`: after a lease
 * they have what the others may lose.
 */
async function sharedOut(world: World, uptimeMs = 0): Promise<Status[]> {
  let all: Status[] = [];
  await eventually(
    async () => {
      all = await held(world);
      const sizes = all.map((one) => one.partitions.length);
      return (
        all.length === REPLICAS &&
        partitionsOf(all).size === PARTITIONS &&
        sizes.reduce((sum, n) => sum + n, 0) === PARTITIONS &&
        Math.max(...sizes) - Math.min(...sizes) <= 1 &&
        all.every((one) => one.uptime_s * 1000 >= uptimeMs)
      );
    },
    'all partitions in fair shares',
    30_000,
  ).catch((error) => {
    throw new Error(`${error.message}; last: ${JSON.stringify(all)}\n${world.tail()}`);
  });
  return all;
}

/** The newest epoch of each partition that the database of the replicas knows: what has an older one cannot store anything. */
async function epochs(world: World): Promise<Map<number, number>> {
  const rows = await world.rows<{ part: unknown; epoch: unknown }>(
    'analytics',
    'SELECT part, epoch FROM work_partitions',
  );
  return new Map(rows.map(({ part, epoch }) => [Number(part), Number(epoch)]));
}
