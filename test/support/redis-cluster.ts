// A real Redis Cluster for a test: its own processes on free ports, killed, paused, failed over and resharded at will.
import { Redis } from 'ioredis';
import { type RedisSettings, redisSettings } from '../../src/core/redis-settings.ts';
import { eventually } from './eventually.ts';
import { REDIS_SERVER, TestRedis } from './redis.ts';

/** Whether a `redis-server` is installed that can be told its cluster port: 7.0 or newer. */
export const HAS_CLUSTER: boolean =
  REDIS_SERVER !== null &&
  Number(/v=(\d+)/.exec(Bun.spawnSync([REDIS_SERVER, '--version']).stdout.toString())?.[1] ?? 0) >= 7;

const SLOTS = 16384;
const NODE_TIMEOUT_MS = 2000;

export interface TestClusterOptions {
  /** Replicas, each of the master with the same index. */
  readonly replicas?: number;
  /** Handed to every redis-server. */
  readonly args?: readonly string[];
  /** Masters that own no slots yet, beside three that own all. */
  readonly empty?: number;
  /** What the nodes need from who talks to them: user and password. */
  readonly login?: { readonly username?: string; readonly password?: string };
}

function freePort(): number {
  const probe = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}

/** A running cluster of three masters. */
export class TestCluster {
  private constructor(
    readonly masters: readonly TestRedis[],
    readonly replicas: readonly TestRedis[],
    readonly login: NonNullable<TestClusterOptions['login']>,
  ) {}

  /** Starts one; resolves when all nodes know each other, own all slots and have their replicas in step. */
  static async start(options: TestClusterOptions = {}): Promise<TestCluster> {
    const { replicas = 0, args = [], empty = 0, login = {} } = options;
    const node = () => {
      const own = ['--cluster-enabled', 'yes', '--cluster-node-timeout', `${NODE_TIMEOUT_MS}`];
      const quick = [
        '--cluster-replica-validity-factor',
        '0',
        '--repl-diskless-sync-delay',
        '0',
        '--repl-ping-replica-period',
        '1',
      ];
      return TestRedis.start([...own, '--cluster-port', `${freePort()}`, ...quick, ...args]);
    };
    const nodes: TestRedis[] = [];
    for (let i = 0; i < 3 + empty + replicas; i++) nodes.push(await node());
    const cluster = new TestCluster(nodes.slice(0, 3 + empty), nodes.slice(3 + empty), login);
    await cluster.#join();
    return cluster;
  }

  get nodes(): readonly TestRedis[] {
    return [...this.masters, ...this.replicas];
  }

  /** The variables that lead to it. */
  get env() {
    const { username = '', password = '' } = this.login;
    return {
      REDIS_URL: password ? `redis://${username}:${password}@cluster` : 'redis://cluster',
      REDIS_CLUSTER_NODES: this.masters.map(({ port }) => `127.0.0.1:${port}`).join(','),
    };
  }

  settings(prefix = 'nautilus:'): RedisSettings {
    return redisSettings({ url: this.env.REDIS_URL, clusterNodes: this.env.REDIS_CLUSTER_NODES, prefix });
  }

  /** Sends one command to one node. */
  async ask<T = unknown>(
    node: TestRedis,
    command: string,
    ...args: readonly (string | number)[]
  ): Promise<T> {
    const options = { retryStrategy: null, commandTimeout: 5000, ...this.login };
    const client = new Redis(node.port, '127.0.0.1', options);
    client.on('error', () => {});
    try {
      return (await client.call(command, ...args)) as T;
    } finally {
      client.disconnect();
    }
  }

  /** The node that owns the slot of a key, as `by` sees it. */
  async ownerOf(key: string, by = this.masters[0]!): Promise<TestRedis> {
    const slot = await this.ask<number>(by, 'CLUSTER', 'KEYSLOT', key);
    const rows = await this.ask<[number, number, [string, number]][]>(by, 'CLUSTER', 'SLOTS');
    const [, , [, port]] = rows.find(([first, last]) => first <= slot && slot <= last)!;
    return this.nodes.find((node) => node.port === port)!;
  }

  /** Makes the replica with an index the master in the place of its own, which lives on; nothing is lost. */
  async failOver(index: number): Promise<void> {
    const replica = this.replicas[index]!;
    await this.ask(replica, 'CLUSTER', 'FAILOVER');
    await this.promoted(index);
  }

  /** Resolves when the replica with an index is the master. */
  async promoted(index: number): Promise<void> {
    const isMaster = async () => (await this.ask<[string]>(this.replicas[index]!, 'ROLE'))[0] === 'master';
    await eventually(isMaster, 'the replica takes over');
  }

  /** Resolves when every node that answers sees a cluster that works. */
  async whole(nodes = this.nodes): Promise<void> {
    const sees = async (node: TestRedis) => {
      const info = await this.ask<string>(node, 'CLUSTER', 'INFO').catch(() => '');
      return /^cluster_state:ok/m.test(info) && info.includes(`cluster_known_nodes:${this.nodes.length}\r`);
    };
    await eventually(async () => (await Promise.all(nodes.map(sees))).every(Boolean), 'a cluster');
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  async #join(): Promise<void> {
    const [first, ...others] = this.nodes;
    const per = Math.ceil(SLOTS / 3);
    for (let i = 0; i < 3; i++) {
      const range = [per * i, Math.min(per * (i + 1), SLOTS) - 1];
      await this.ask(this.masters[i]!, 'CLUSTER', 'ADDSLOTSRANGE', ...range);
      await this.ask(this.masters[i]!, 'CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
    }
    const busPort = (node: TestRedis) => node.args[node.args.indexOf('--cluster-port') + 1]!;
    for (const node of others)
      await this.ask(first!, 'CLUSTER', 'MEET', '127.0.0.1', node.port, busPort(node));
    await this.whole();
    for (const [i, replica] of this.replicas.entries()) {
      const master = await this.ask<string>(this.masters[i]!, 'CLUSTER', 'MYID');
      await this.ask(replica, 'CLUSTER', 'REPLICATE', master);
      // A replica that is known to all, and in step: only then do nodes name it to their clients.
      const isNamed = async (by: TestRedis) => {
        const rows = await this.ask<[number, number, ...[string, number][]][]>(by, 'CLUSTER', 'SLOTS');
        return rows.some(([, , ...members]) => members.slice(1).some(([, port]) => port === replica.port));
      };
      const inStep = async () => (await Promise.all(this.nodes.map(isNamed))).every(Boolean);
      await eventually(inStep, 'a replica that follows and is known');
    }
  }
}
