// The system under faults: the nine engines as processes, one of them three times, with the Redis and the Postgres of the run, all killed at will.
import { Database } from 'bun:sqlite';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Bus } from '../../src/bus/client.ts';
import type { EventLog } from '../../src/bus/event-log.ts';
import { HubLink, HubLog } from '../../src/bus/hub-log.ts';
import { RedisLog } from '../../src/bus/redis-log.ts';
import { hubSocketPath, isAlive, labelOf, type RunFile, readRunFile } from '../../src/cli/run-file.ts';
import { processTransport } from '../../src/cli/transport.ts';
import { loadConfig } from '../../src/core/config.ts';
import { createLog } from '../../src/core/log.ts';
import { eventually } from '../support/eventually.ts';
import { TestPostgres } from '../support/postgres.ts';
import { TestRedis } from '../support/redis.ts';
import { RedisGroup } from '../support/redis-group.ts';

const CLI = resolve(import.meta.dir, '../../src/cli/nautilus.ts');
const REQUEST_MS = 5000;
/** Shorter than the defaults, so that a run sees what they bring about: a take-over, the end of a process that hangs. */
export const LEASE_MS = 1500;
const HANG_S = 4;
export const REPLICAS = 3;
/** Engine processes: one of each engine, and the others of the one with replicas. */
export const PROCESSES = 9 + REPLICAS - 1;

export interface WorldOptions {
  /** `sentinel`: a Redis with a replica that takes its place. */
  readonly bus: 'hub' | 'redis' | 'sentinel';
  readonly store: 'sqlite' | 'postgres';
  /** Milliseconds between two bars of the simulated market. */
  readonly feedMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Puts the data folder on a file system of so many MiB, where that is allowed (root on Linux). */
  readonly diskMb?: number;
}

/** A reply as the checks read it. */
export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: replies of many shapes
  readonly body: any;
}

/** Everything that a run may break. */
export class World {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'chaos-'));
  readonly options: WorldOptions;
  /** Whether the data folder is on a small file system of its own. */
  readonly hasSmallDisk: boolean;
  /** Events that cannot be applied and were put into the log by a fault. */
  poisoned = 0;
  redis: TestRedis | undefined;
  group: RedisGroup | undefined;
  postgres: TestPostgres | undefined;
  #child: Bun.Subprocess<'ignore', 'pipe', 'pipe'> | undefined;
  #log: string[] = [];

  private constructor(options: WorldOptions) {
    this.options = options;
    this.hasSmallDisk = options.diskMb !== undefined && this.#mount(options.diskMb);
  }

  static async start(options: WorldOptions): Promise<World> {
    const world = new World(options);
    if (options.bus === 'redis') world.redis = await TestRedis.start(['--appendonly', 'yes']);
    if (options.bus === 'sentinel') world.group = await RedisGroup.start(['--appendonly', 'yes']);
    if (options.store === 'postgres') world.postgres = await TestPostgres.start();
    await world.up().catch(async (error) => {
      await world.stop();
      throw error;
    });
    return world;
  }

  /** Starts the supervisor and waits until all engine processes have said that they are ready. */
  async up(): Promise<void> {
    const before = this.#log.length;
    this.#child = Bun.spawn([process.execPath, CLI, 'up', '--replicas', `analytics=${REPLICAS}`], {
      env: { ...process.env, ...this.#env() },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const child = this.#child;
    void this.#read(child.stdout);
    void this.#read(child.stderr);
    await eventually(
      () => {
        if (child.exitCode !== null) throw new Error(`up ended: ${this.#log.slice(before).join('\n')}`);
        const engines = this.engines();
        return engines.length === PROCESSES && engines.every((e) => e.state === 'running');
      },
      'all engines run',
      60_000,
    );
  }

  /** What the supervisor has written down of its engines. */
  engines(): RunFile['engines'] {
    return readRunFile(this.dataDir)?.engines ?? [];
  }

  /** The Redis that the engines use. */
  async primary(): Promise<TestRedis> {
    return this.redis ?? (await this.group!.whole());
  }

  /** The process of an engine, or of a replica (`analytics.1`). */
  pid(label: string): number | null {
    return this.#find(label)?.pid ?? null;
  }

  signal(label: string, signal: NodeJS.Signals): void {
    const pid = this.pid(label);
    if (pid === null) return;
    try {
      process.kill(pid, signal);
    } catch {
      // It has just ended by itself.
    }
  }

  /** Ends the supervisor at once, as a crash does, and waits until its engines have gone too. */
  async crash(): Promise<void> {
    const pids = this.engines().flatMap((e) => (e.pid === null ? [] : [e.pid]));
    this.#child?.kill('SIGKILL');
    await this.#child?.exited;
    await eventually(() => pids.every((pid) => !isAlive(pid)), 'orphans end by themselves', 20_000);
  }

  /** Ends the supervisor and all engines in one instant. */
  async crashAll(): Promise<void> {
    const pids = this.engines().flatMap((e) => (e.pid === null ? [] : [e.pid]));
    this.#child?.kill('SIGKILL');
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone already.
      }
    }
    await this.#child?.exited;
    await eventually(() => pids.every((pid) => !isAlive(pid)), 'all have ended', 20_000);
  }

  /** Sends a request to an engine, or to one replica of it (`analytics.1`). Rejects when it does not answer. */
  async request(label: string, path: string, init: RequestInit = {}): Promise<Answer> {
    const found = this.#find(label);
    const port = (found?.name === label ? found.port : found?.private_port) ?? null;
    if (port === null) throw new Error(`${label} has no port`);
    const signal = AbortSignal.timeout(REQUEST_MS);
    // A connection that is kept could belong to a process that was killed.
    const headers = { connection: 'close', ...(init.headers as Record<string, string>) };
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { ...init, headers, signal });
    return { status: response.status, body: await response.json() };
  }

  post(engine: string, path: string, body: unknown, method = 'POST'): Promise<Answer> {
    return this.request(engine, path, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  /** What the processes of engines say of their health; null for one that does not answer. */
  async health(): Promise<Map<string, { status: string; missing: readonly string[] } | null>> {
    const all = this.engines().map(async (engine) => {
      const label = labelOf(engine);
      const said = await this.request(label, '/health').catch(() => null);
      return [label, said && (said.body as { status: string; missing: string[] })] as const;
    });
    return new Map(await Promise.all(all));
  }

  /** Resolves when all engine processes say that they are healthy. */
  async healthy(timeoutMs = 60_000): Promise<void> {
    let last = new Map<string, unknown>();
    await eventually(
      async () => {
        const said = await this.health();
        last = said;
        return said.size === PROCESSES && [...said.values()].every((h) => h?.status === 'healthy');
      },
      'all engines healthy',
      timeoutMs,
    ).catch((error) => {
      throw new Error(`${error.message}; last said: ${JSON.stringify([...last])}\n${this.tail()}`);
    });
  }

  /** The end of the log. */
  tail(lines = 30): string {
    return this.#log.slice(-lines).join('\n');
  }

  async stop(): Promise<void> {
    this.#child?.kill('SIGTERM');
    const killer = setTimeout(() => this.#child?.kill('SIGKILL'), 15_000);
    await this.#child?.exited;
    clearTimeout(killer);
    await this.redis?.stop();
    await this.group?.stop();
    await this.postgres?.stop();
    if (this.hasSmallDisk) Bun.spawnSync(['umount', '-l', this.dataDir]);
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  /** A client of the event log, beside the engines; the caller closes it. */
  async eventLog(): Promise<EventLog> {
    const settings = this.redis?.settings() ?? this.group?.settings();
    const log = settings
      ? new RedisLog({ settings, name: 'chaos' })
      : new HubLog(new HubLink({ socketPath: hubSocketPath(this.dataDir), name: 'chaos' }));
    await eventually(() => log.connected, 'the event log answers');
    return log;
  }

  /** A client of the bus, beside the engines; the caller closes it. */
  async bus(): Promise<Bus> {
    const config = loadConfig({ ...this.#env(), NAUTILUS_HUB_SOCKET: hubSocketPath(this.dataDir) });
    const bus = new Bus('chaos', await processTransport(config, 'chaos', createLog('chaos', 'silent')));
    await eventually(() => bus.connected, 'the bus answers', 20_000);
    return bus;
  }

  /** What the database of an engine answers to one statement, behind the engine's back. */
  async rows<Row>(engine: string, sql: string): Promise<Row[]> {
    if (this.postgres) {
      return (await this.postgres.run(sql, engine)) as Row[];
    }
    const db = new Database(join(this.dataDir, `${engine}.sqlite`), { readonly: true });
    try {
      db.run('PRAGMA busy_timeout = 5000');
      return db.query(sql).all() as Row[];
    } finally {
      db.close();
    }
  }

  /** Takes all the room that the disk has left. */
  fillDisk(): void {
    const file = openSync(join(this.dataDir, 'filler'), 'w');
    for (let chunk = Buffer.alloc(2 ** 20); chunk.length > 0; ) {
      try {
        // A short write is the first sign of the end.
        if (writeSync(file, chunk) === chunk.length) continue;
      } catch {
        // No more room for so much.
      }
      chunk = chunk.subarray(0, chunk.length >> 4);
    }
    closeSync(file);
  }

  freeDisk(): void {
    rmSync(join(this.dataDir, 'filler'), { force: true });
  }

  #env(): Record<string, string> {
    const { feedMs = 200, env } = this.options;
    return {
      NAUTILUS_PORTS: 'free',
      NAUTILUS_DATA_DIR: this.dataDir,
      NAUTILUS_FEED_INTERVAL_MS: String(feedMs),
      LOG_LEVEL: 'warn',
      NAUTILUS_LEASE_MS: String(LEASE_MS),
      NAUTILUS_HANG_S: String(HANG_S),
      ...(this.redis && { REDIS_URL: this.redis.url }),
      ...this.group?.env,
      ...(this.postgres && { DATABASE_URL: this.postgres.url }),
      ...env,
    };
  }

  #find(label: string): RunFile['engines'][number] | undefined {
    return this.engines().find((engine) => engine.name === label || labelOf(engine) === label);
  }

  #mount(megabytes: number): boolean {
    const command = ['mount', '-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700`, 'tmpfs', this.dataDir];
    return Bun.which('mount') !== null && Bun.spawnSync(command, { stderr: 'ignore' }).exitCode === 0;
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
      this.#log.push(...decoder.decode(chunk, { stream: true }).split('\n').filter(Boolean));
      if (this.#log.length > 2000) this.#log = this.#log.slice(-1000);
    }
  }
}
