// Failing over: the primary of a Redis under Sentinels dies, hangs or is asked to go, and another server takes its place.
import { eventually } from '../support/eventually.ts';
import type { TestRedis } from '../support/redis.ts';
import { ask, type RedisGroup } from '../support/redis-group.ts';
import { ENGINES, type Fault, told } from './fault.ts';
import type { World } from './world.ts';

// Long enough for servers on a busy machine to be heard of.
const SILENCE_MS = 1000;

const onSentinel = (world: World) => world.group !== undefined;

export const SENTINEL_FAULTS: readonly Fault[] = [
  {
    name: 'Redis primary killed before its replica had everything',
    weight: 3,
    fits: onSentinel,
    inject: async (world) => {
      const group = world.group!;
      await world.healthy();
      const primary = await group.whole();
      const next = group.other(primary);
      const began = performance.now();
      await cutOff(next);
      await behind(primary, next);
      await primary.kill();
      await told(world, ENGINES, 'messagebus', 20_000);
      // Sentinels refuse a replica that has been cut off for more than ten times as long as they wait themselves.
      await failOver(group, primary, Math.max(SILENCE_MS, (performance.now() - began) / 5));
      await ask(next, 'CONFIG', 'SET', 'masterauth', '');
      // It comes back as the primary that it was, until the Sentinels have told it.
      await primary.restart();
    },
  },
  {
    name: 'Redis primary asked to go (SENTINEL FAILOVER)',
    weight: 2,
    fits: onSentinel,
    inject: async ({ group }) => {
      const primary = await group!.whole();
      await group!.askForFailover();
      await group!.movedFrom(primary);
    },
  },
  {
    name: 'Redis primary paused until another is one too',
    weight: 2,
    fits: onSentinel,
    inject: async ({ group }) => {
      const primary = await group!.whole();
      primary.signal('SIGSTOP');
      await failOver(group!, primary, SILENCE_MS);
      // Engines that have not noticed go on with it for as long as the Sentinels let it be.
      primary.signal('SIGCONT');
    },
  },
];

async function failOver(group: RedisGroup, primary: TestRedis, silenceMs: number): Promise<void> {
  await group.alarm(Math.ceil(silenceMs));
  await group.movedFrom(primary);
  await group.calm();
}

/** Lets a replica hear nothing of its primary any more: its name for it is refused. */
async function cutOff(replica: TestRedis): Promise<void> {
  await ask(replica, 'CONFIG', 'SET', 'masterauth', 'refused');
  await ask(replica, 'CLIENT', 'KILL', 'TYPE', 'master');
}

/** Resolves when the primary has taken events that the replica does not have. */
async function behind(primary: TestRedis, replica: TestRedis): Promise<void> {
  const events = async (server: TestRedis) => {
    const keys = await ask<string[]>(server, 'KEYS', 'nautilus:log:*');
    // Some of the keys are no streams.
    const lengths = keys.map((key) => ask<number>(server, 'XLEN', key).catch(() => 0));
    return (await Promise.all(lengths)).reduce((sum, n) => sum + n, 0);
  };
  await eventually(
    async () => (await events(primary)) > (await events(replica)),
    'a replica that lags',
    20_000,
  );
}
