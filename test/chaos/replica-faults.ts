// Replicas that fight for a partition: one dies, or is paused until others have taken over and comes back.
import { partitionOf } from '../../src/bus/partition.ts';
import { eventually } from '../support/eventually.ts';
import type { Fault } from './fault.ts';
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
      takeOver(world, random, async (victim, taken) => {
        world.signal(victim, 'SIGKILL');
        await taken;
      }),
  },
  {
    name: 'replica paused until others have taken over (SIGSTOP)',
    weight: 3,
    fits: () => true,
    inject: (world, random) =>
      takeOver(world, random, async (victim, taken) => {
        const pid = world.pid(victim);
        world.signal(victim, 'SIGSTOP');
        await taken;
        // One that was paused in the middle of a transaction keeps the others waiting, until it is ended for its silence.
        if (world.pid(victim) !== pid) return;
        const then = await epochs(world);
        world.signal(victim, 'SIGCONT');
        await claimsNothingOf(then, world, victim);
      }),
  },
];

/** Lets `fault` happen to a replica that has something to do; throws unless the others did all of it, and each thing once. */
async function takeOver(
  world: World,
  random: Random,
  fault: (victim: string, taken: Promise<void>) => Promise<void>,
): Promise<void> {
  await world.healthy();
  await sharedOut(world, 2 * LEASE_MS);
  const witness = await Witness.start(world);
  const partition = partitionOf(`chaos_${random.below(5)}`);
  const before = await epochs(world);
  const statuses = await held(world);
  const victim = LABELS.find((_, i) => statuses[i]?.partitions.includes(partition));
  if (victim === undefined) throw new Error(`Expected a holder of partition ${partition}`);
  const lost = statuses[LABELS.indexOf(victim)]!.partitions;
  await fault(victim, epochsGrow(world, lost, before));
  await world.healthy();
  await sharedOut(world);
  await witness.compare();
  const wrong = (await curves(world)).filter((curve) => !sumsAreRight(curve));
  if (wrong.length > 0) throw new Error(`Wrong sums of ${wrong.map((curve) => curve.portfolio_id)}`);
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

/** What the replicas say of themselves; undefined for one that does not answer. */
function held(world: World): Promise<(Status | undefined)[]> {
  return Promise.all(LABELS.map((label) => statusOf(world, label)));
}

async function statusOf(world: World, label: string): Promise<Status | undefined> {
  const reply = await world.request(label, '/system/status').catch(() => undefined);
  return reply?.body as Status | undefined;
}

/**
 * Resolves when each partition is one replica's, in fair shares, and all have run for `uptimeMs`: after a lease they have what the
 * others may lose.
 */
async function sharedOut(world: World, uptimeMs = 0): Promise<void> {
  let last: unknown;
  await eventually(
    async () => {
      const all = await held(world);
      last = all;
      const sizes = all.map((one) => one?.partitions.length ?? 0);
      const partitions = all.flatMap((one) => one?.partitions ?? []);
      return (
        partitions.length === 8 &&
        new Set(partitions).size === 8 &&
        Math.max(...sizes) - Math.min(...sizes) <= 1 &&
        all.every((one) => one!.uptime_s * 1000 >= uptimeMs)
      );
    },
    'eight partitions in fair shares',
    30_000,
  ).catch((error) => {
    throw new Error(`${error.message}; last: ${JSON.stringify(last)}\n${world.tail()}`);
  });
}

/** The newest epoch of each partition that the database of the replicas knows. */
async function epochs(world: World): Promise<Map<number, number>> {
  const rows = await world.rows<{ part: unknown; epoch: unknown }>(
    'analytics',
    'SELECT part, epoch FROM work_partitions',
  );
  return new Map(rows.map(({ part, epoch }) => [Number(part), Number(epoch)]));
}

/** Resolves when others have stored that they hold the partitions: from then on the last holder is fenced. */
async function epochsGrow(
  world: World,
  partitions: readonly number[],
  before: ReadonlyMap<number, number>,
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
