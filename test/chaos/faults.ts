// The faults that a run may inject: what each breaks, and whether health told of it. Healing itself is the system's work.
import { partitionOf } from '../../src/bus/partition.ts';
import { eventually } from '../support/eventually.ts';
import { ask } from '../support/redis-group.ts';
import { ENGINES, type Fault, told } from './fault.ts';
import { poison } from './poison.ts';
import type { Random } from './random.ts';
import { REPLICA_FAULTS } from './replica-faults.ts';
import { SENTINEL_FAULTS } from './sentinel-faults.ts';
import type { World } from './world.ts';

/** Those that own or consume durable events: worth most of the attacks. */
const DURABLE = ['strategy', 'portfolio', 'risk'] as const;

const STORES: ReadonlySet<string> = new Set(['database', 'event log']);

const always = () => true;
const onRedis = (world: World) => world.options.bus !== 'hub';
const onPostgres = (world: World) => world.postgres !== undefined;

export const FAULTS: readonly Fault[] = [
  {
    name: 'kill -9 of an engine',
    weight: 10,
    fits: always,
    inject: async (world, random) => {
      world.signal(random.chance(0.7) ? random.pick(DURABLE) : random.pick(ENGINES), 'SIGKILL');
      await Bun.sleep(random.below(300));
    },
  },
  {
    name: 'kill -9 of two engines at once',
    weight: 4,
    fits: always,
    inject: async (world, random) => {
      for (let i = 0; i < 2; i++) world.signal(random.pick(DURABLE), 'SIGKILL');
      await Bun.sleep(random.below(300));
    },
  },
  {
    name: 'engine paused (SIGSTOP)',
    weight: 3,
    fits: always,
    inject: async (world, random) => {
      const engine = random.pick(DURABLE);
      const pid = world.pid(engine);
      world.signal(engine, 'SIGSTOP');
      await Bun.sleep(500 + random.below(2000));
      // The same process, not one that has taken its place meanwhile.
      if (world.pid(engine) === pid) world.signal(engine, 'SIGCONT');
    },
  },
  {
    name: 'consumer hangs (SIGSTOP) until the supervisor ends it',
    weight: 2,
    fits: always,
    inject: async (world, random) => {
      const engine = random.pick(DURABLE);
      const pid = world.pid(engine);
      world.signal(engine, 'SIGSTOP');
      await eventually(() => world.pid(engine) !== pid, `another process of ${engine}`, 30_000);
    },
  },
  {
    name: 'kill -9 of the supervisor',
    weight: 1,
    fits: always,
    inject: async (world) => {
      await world.crash();
      await world.up();
    },
  },
  {
    name: 'kill -9 of all processes',
    weight: 1,
    fits: always,
    inject: async (world) => {
      await world.crashAll();
      await world.up();
    },
  },
  {
    name: 'Redis killed and restarted',
    weight: 2,
    fits: onRedis,
    inject: async (world, random) => {
      const redis = await world.primary();
      await redis.kill();
      await told(world, ENGINES, 'messagebus', 20_000);
      await Bun.sleep(random.below(500));
      await redis.restart();
    },
  },
  {
    name: 'Redis paused (SIGSTOP)',
    weight: 2,
    fits: onRedis,
    inject: async (world, random) => {
      const redis = await world.primary();
      redis.signal('SIGSTOP');
      await told(world, ENGINES, 'messagebus', 20_000);
      if (random.chance(0.15)) await Bun.sleep(30_000);
      redis.signal('SIGCONT');
    },
  },
  {
    name: 'Redis emptied (FLUSHALL)',
    weight: 2,
    fits: onRedis,
    inject: async (world) => {
      await ask(await world.primary(), 'FLUSHALL');
    },
  },
  {
    name: 'Postgres killed and restarted',
    weight: 3,
    fits: onPostgres,
    inject: async (world, random) => {
      await world.postgres!.kill();
      await told(world, ['strategy', 'portfolio', 'risk'], 'database', 20_000);
      await Bun.sleep(random.below(500));
      await world.postgres!.restart();
    },
  },
  {
    name: 'poison event, another version, and their owner killed',
    weight: 2,
    fits: always,
    inject: async (world, random) => {
      const envelope = { id: crypto.randomUUID(), topic: 'strategy.fills', version: 99, body: {} };
      const payload = random.chance(0.5) ? '{broken' : JSON.stringify(envelope);
      await poison(world, partitionOf(`chaos_${random.below(5)}`), payload);
      // Nobody has told the owner: it finds the event when it starts.
      world.signal('strategy', 'SIGKILL');
      await Bun.sleep(random.below(300));
    },
  },
  {
    name: 'disk full',
    weight: 2,
    fits: (world) => world.hasSmallDisk && world.options.store === 'sqlite',
    inject: async (world, random) => {
      await world.healthy();
      world.fillDisk();
      // Files have room of their own for a while: who still can store says so.
      await eventually(
        async () => [...(await world.health()).values()].some((h) => h?.missing.some((m) => STORES.has(m))),
        'somebody says that nothing can be stored',
        30_000,
      );
      await Bun.sleep(random.below(500));
      world.freeDisk();
    },
  },
  ...REPLICA_FAULTS,
  ...SENTINEL_FAULTS,
];

/** Chooses a fault that fits. */
export function chooseFault(world: World, random: Random): Fault {
  const fitting = FAULTS.filter((fault) => fault.fits(world));
  let at = random.below(fitting.reduce((sum, { weight }) => sum + weight, 0));
  for (const fault of fitting) {
    at -= fault.weight;
    if (at < 0) return fault;
  }
  return fitting.at(-1)!;
}
