// A Redis that fails over: a primary and its replica under three Sentinels, which wait until a test makes them impatient.
import { Redis } from 'ioredis';
import { type RedisSettings, redisSettings } from '../../src/core/redis-settings.ts';
import { eventually } from './eventually.ts';
import { TestRedis } from './redis.ts';

const NAME = 'group';
const SENTINELS = 3;
/** Silence of the primary that the Sentinels bear while nobody wants them to act, in milliseconds. */
const PATIENT_MS = 600_000;
/** How often they look, in milliseconds: a tenth to a half of what is usual, so that all is told to all within seconds. */
const PERIODS = ['info-period', 1000, 'publish-period', 500];

/** Two servers and those who decide which of them is the primary. */
export class RedisGroup {
  readonly #servers: readonly [TestRedis, TestRedis];
  readonly #sentinels: readonly TestRedis[];

  private constructor(servers: readonly [TestRedis, TestRedis], sentinels: readonly TestRedis[]) {
    this.#servers = servers;
    this.#sentinels = sentinels;
  }

  /** Starts all five; `args` are handed to both servers. Resolves when a failover would succeed. */
  static async start(args: readonly string[] = []): Promise<RedisGroup> {
    const all = [...args, '--repl-diskless-sync-delay', '0'];
    const [first, second] = await Promise.all([TestRedis.start(all), TestRedis.start(all)]);
    // No argument: one that becomes the primary starts again as one.
    await ask(second, 'REPLICAOF', '127.0.0.1', first.port);
    const options = { quorum: 2, downAfterMs: PATIENT_MS };
    const sentinels = await Promise.all(
      Array.from({ length: SENTINELS }, () => TestRedis.sentinel(first, NAME, options)),
    );
    // Versions before 7.0 have no such command, and look less often.
    await Promise.allSettled(sentinels.map((s) => ask(s, 'SENTINEL', 'DEBUG', ...PERIODS)));
    const group = new RedisGroup([first, second], sentinels);
    await group.whole();
    return group;
  }

  /** The variables that lead to it. */
  get env() {
    return {
      REDIS_URL: 'redis://unused',
      REDIS_SENTINELS: this.#sentinels.map(({ port }) => `127.0.0.1:${port}`).join(','),
      REDIS_SENTINEL_NAME: NAME,
    };
  }

  settings(prefix = 'nautilus:'): RedisSettings {
    const { REDIS_URL: url, REDIS_SENTINELS: sentinels, REDIS_SENTINEL_NAME: sentinelName } = this.env;
    return redisSettings({ url, prefix, sentinels, sentinelName });
  }

  /** The server that all Sentinels take for the primary; undefined while they do not agree. */
  async primary(): Promise<TestRedis | undefined> {
    const said = await Promise.all(
      this.#sentinels.map((s) => ask<string[]>(s, 'SENTINEL', 'get-master-addr-by-name', NAME)),
    );
    const ports = new Set(said.map((address) => Number(address[1])));
    return ports.size === 1 ? this.#servers.find(({ port }) => ports.has(port)) : undefined;
  }

  /** The other one. */
  other(server: TestRedis): TestRedis {
    return this.#servers.find((s) => s !== server)!;
  }

  /** Resolves with the primary when all agree on it, its replica is in step with it, and the Sentinels know that. */
  async whole(timeoutMs = 40_000): Promise<TestRedis> {
    let primary: TestRedis | undefined;
    await eventually(
      async () => {
        primary = await this.primary();
        if (!primary || (await roleOf(primary)) !== 'master') return false;
        if ((await roleOf(this.other(primary))) !== 'slave') return false;
        const all = await Promise.all(this.#sentinels.map((s) => this.#isReady(s)));
        return all.every(Boolean);
      },
      'a primary with a replica that its Sentinels know',
      timeoutMs,
    );
    return primary!;
  }

  /** Lets the Sentinels act on a primary that has been silent for `ms`, until {@link calm}. */
  async alarm(ms: number): Promise<void> {
    await this.#patience(ms);
  }

  async calm(): Promise<void> {
    await this.#patience(PATIENT_MS);
  }

  /** Asks for a failover while the primary lives. */
  async askForFailover(): Promise<void> {
    await ask(this.#sentinels[0]!, 'SENTINEL', 'FAILOVER', NAME);
  }

  /** Resolves when all Sentinels take another server for the primary and it says so itself. */
  async movedFrom(old: TestRedis, timeoutMs = 40_000): Promise<void> {
    const next = this.other(old);
    await eventually(
      async () => (await this.primary()) === next && (await roleOf(next)) === 'master',
      'a new primary',
      timeoutMs,
    );
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#sentinels, ...this.#servers].map((server) => server.stop()));
  }

  async #patience(ms: number): Promise<void> {
    await Promise.all(
      this.#sentinels.map((s) => ask(s, 'SENTINEL', 'SET', NAME, 'down-after-milliseconds', ms)),
    );
  }

  async #isReady(sentinel: TestRedis): Promise<boolean> {
    const rows = await ask<string[][]>(sentinel, 'SENTINEL', 'replicas', NAME);
    const [known] = rows.map((row) => pairs(row));
    const master = pairs(await ask<string[]>(sentinel, 'SENTINEL', 'master', NAME));
    return (
      known?.flags === 'slave' &&
      known['master-link-status'] === 'ok' &&
      known['role-reported'] === 'slave' &&
      master.flags === 'master' &&
      master['num-other-sentinels'] === `${SENTINELS - 1}`
    );
  }
}

/** What a server says that it is; undefined when it does not answer. */
async function roleOf(server: TestRedis): Promise<string | undefined> {
  const said = await ask<[string, ...unknown[]]>(server, 'ROLE').catch(() => undefined);
  return said?.[0];
}

/** Sends one command on a connection of its own. */
export async function ask<T = unknown>(
  server: TestRedis,
  command: string,
  ...args: readonly (string | number)[]
): Promise<T> {
  const client = new Redis(server.port, '127.0.0.1', { retryStrategy: null, commandTimeout: 5000 });
  client.on('error', () => {});
  try {
    return (await client.call(command, ...args)) as T;
  } finally {
    client.disconnect();
  }
}

function pairs(row: readonly string[]): Record<string, string> {
  return Object.fromEntries(Array.from({ length: row.length / 2 }, (_, i) => [row[2 * i]!, row[2 * i + 1]!]));
}
