// The supervisor: one process per engine, a hub or Redis between them, restarts with back-off, a graceful end. No native code here.
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Subprocess } from 'bun';
import { Bus } from '../bus/client.ts';
import { HubServer } from '../bus/hub-server.ts';
import { topics } from '../bus/topics.ts';
import type { Transport } from '../bus/transport.ts';
import type { Config } from '../core/config.ts';
import { ConflictError, DependencyUnavailableError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { VERSION } from '../core/version.ts';
import { removeLocalKey, writeLocalKey } from '../http/local-key.ts';
import { hubSocketPath, type RunFile, readRunFile, removeRunFile, writeRunFile } from './run-file.ts';
import { redisTransport } from './transport.ts';

/** What an engine's process tells its supervisor. */
export type EngineMessage =
  | { readonly type: 'ready'; readonly port: number }
  /** `fatal`: trying again without a change would fail again (a taken port). */
  | { readonly type: 'failed'; readonly message: string; readonly fatal: boolean };

export interface SupervisorOptions {
  readonly config: Config;
  readonly engines: readonly string[];
  readonly log: Log;
  /** Receives each line that an engine logs. */
  readonly onLine: (line: string) => void;
}

type EngineState = RunFile['engines'][number]['state'];

const BACKOFF_MS = { first: 100, longest: 5000 } as const;
// An engine that has run for so long starts its next back-off from the beginning.
const STABLE_MS = 10_000;
const START_TIMEOUT_MS = 30_000;
const MAIN = resolve(import.meta.dir, '../main.ts');

/** Runs a set of engines until it is stopped. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #hub: HubServer | undefined;
  readonly #children: Child[];
  readonly #startedAt = new Date().toISOString();
  #bus: Bus | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { config, log } = options;
    const socketPath = hubSocketPath(config.dataDir);
    if (!config.redis) {
      this.#hub = new HubServer({
        socketPath,
        maxQueuedBytes: config.hubQueueBytes,
        onProtocolError: (client, err) => log.warn({ client, err }, 'hub: client broke the protocol'),
      });
    }
    const threads = Math.max(1, Math.floor(config.threads / Math.max(1, options.engines.length)));
    const env = {
      ...process.env,
      NODE_ENV: 'production',
      NAUTILUS_HUB_SOCKET: socketPath,
      NAUTILUS_DATA_DIR: config.dataDir,
      NAUTILUS_THREADS: String(threads),
      OPENBLAS_NUM_THREADS: String(threads),
    };
    this.#children = options.engines.map((name) => new Child(name, env, this.#events(), log, options.onLine));
  }

  /** Engines with their ports, as soon as they are known. */
  get engines(): RunFile['engines'] {
    return this.#children.map((c) => c.describe());
  }

  /**
   * Starts the hub (none with Redis) and every engine. Resolves when all are ready. Throws {@link ConflictError} when a
   * system runs on the data folder already, {@link DependencyUnavailableError} when Redis does not answer or an engine
   * cannot start; everything is stopped then.
   */
  async start(): Promise<void> {
    const { config } = this.#options;
    const running = readRunFile(config.dataDir);
    if (running) {
      throw new ConflictError(
        `Engines already run on this data folder (supervisor pid ${running.pid}): see \`bun run nautilus ps\`, or stop them with \`bun run nautilus down\``,
      );
    }
    mkdirSync(join(config.dataDir, 'run'), { recursive: true });
    this.#bus = new Bus('supervisor', await this.#transport());
    writeLocalKey(config.dataDir);
    this.#writeState();
    try {
      await Promise.all(this.#children.map((child) => child.start()));
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async #transport(): Promise<Transport> {
    const { redis, defaultTimeoutMs } = this.#options.config;
    if (redis) {
      const { probeRedis } = await import('../bus/redis-probe.ts');
      await probeRedis(redis, defaultTimeoutMs);
      return redisTransport(redis, 'supervisor', this.#options.log);
    }
    this.#hub!.listen();
    return this.#hub!.connect();
  }

  /** Stops every engine (SIGTERM, then SIGKILL after the grace period), then the hub. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.stop(this.#options.config.graceMs)));
    await this.#bus?.close();
    this.#hub?.close();
    removeLocalKey(this.#options.config.dataDir);
    removeRunFile(this.#options.config.dataDir);
  }

  #events(): ChildEvents {
    return {
      changed: () => this.#writeState(),
      lifecycle: (engine, event, pid, exitCode, detail) => {
        this.#bus?.publish(topics.lifecycle, { engine, event, pid, exit_code: exitCode, detail });
      },
    };
  }

  #writeState(): void {
    writeRunFile(this.#options.config.dataDir, {
      pid: process.pid,
      version: VERSION,
      started_at: this.#startedAt,
      bus: this.#hub ? 'hub' : 'redis',
      engines: this.engines,
    });
  }
}

interface ChildEvents {
  changed(): void;
  lifecycle(
    engine: string,
    event: 'started' | 'exited' | 'restarting' | 'stopped',
    pid: number | null,
    exitCode: number | null,
    detail: string,
  ): void;
}

class Child {
  #process: Subprocess | undefined;
  #state: EngineState = 'starting';
  #port: number | null = null;
  #restarts = 0;
  #backoffMs: number = BACKOFF_MS.first;
  #startedMs = 0;
  #fatal: string | undefined;
  #onReady: (() => void) | undefined;
  #onFailed: ((error: Error) => void) | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly name: string,
    readonly env: Record<string, string | undefined>,
    readonly events: ChildEvents,
    readonly log: Log,
    readonly onLine: (line: string) => void,
  ) {}

  describe(): RunFile['engines'][number] {
    return {
      name: this.name,
      port: this.#port,
      pid: this.#process?.pid ?? null,
      state: this.#state,
      restarts: this.#restarts,
    };
  }

  start(): Promise<void> {
    return new Promise((resolveReady, reject) => {
      const timer = setTimeout(
        () =>
          reject(
            new DependencyUnavailableError(`Engine ${this.name} was not ready within ${START_TIMEOUT_MS} ms`),
          ),
        START_TIMEOUT_MS,
      );
      this.#onReady = () => {
        clearTimeout(timer);
        this.#onFailed = undefined;
        resolveReady();
      };
      this.#onFailed = (error) => {
        clearTimeout(timer);
        reject(error);
      };
      this.#spawn();
    });
  }

  async stop(graceMs: number): Promise<void> {
    clearTimeout(this.#retry);
    this.#state = 'stopping';
    this.#onFailed = undefined;
    const child = this.#process;
    if (child && child.exitCode === null) {
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), graceMs + 1000);
      await child.exited;
      clearTimeout(killer);
    }
    this.#state = 'stopped';
    this.events.lifecycle(this.name, 'stopped', child?.pid ?? null, child?.exitCode ?? null, 'asked to stop');
  }

  #spawn(): void {
    this.#startedMs = performance.now();
    this.#fatal = undefined;
    const child = Bun.spawn([process.execPath, MAIN, this.name], {
      env: this.env,
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      ipc: (message: EngineMessage) => this.#onMessage(message),
      onExit: (ended, exitCode, signal) => this.#onExit(ended.pid, exitCode, signal),
    });
    this.#process = child;
    void this.#pump(child.stdout, (line) => this.onLine(line));
    void this.#pump(child.stderr, (line) => this.log.error({ about: this.name, stderr: true }, line));
    this.events.changed();
  }

  async #pump(stream: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') onLine(line);
    }
    if (rest !== '') onLine(rest);
  }

  #onMessage(message: EngineMessage): void {
    if (message.type === 'failed') {
      if (message.fatal) this.#fatal = message.message;
      return;
    }
    this.#state = 'running';
    this.#port = message.port;
    this.events.changed();
    this.events.lifecycle(this.name, 'started', this.#process?.pid ?? null, null, `port ${message.port}`);
    this.#onReady?.();
  }

  #onExit(pid: number, exitCode: number | null, signal: unknown): void {
    if (this.#state === 'stopping' || this.#state === 'stopped') return;
    const how = signal ? `signal ${signal}` : `exit code ${exitCode}`;
    this.events.lifecycle(this.name, 'exited', pid, exitCode, how);
    if (this.#onFailed) {
      // During the first start a failure is the user's to see; later on it is ours to mend.
      this.#state = 'failed';
      this.events.changed();
      this.#onFailed(
        new DependencyUnavailableError(this.#fatal ?? `Engine ${this.name} ended with ${how} while starting`),
      );
      return;
    }
    if (performance.now() - this.#startedMs > STABLE_MS) this.#backoffMs = BACKOFF_MS.first;
    const wait = this.#backoffMs;
    this.#backoffMs = Math.min(this.#backoffMs * 2, BACKOFF_MS.longest);
    this.#restarts++;
    this.#state = 'restarting';
    this.log.error({ about: this.name, pid, how, retry_ms: wait, restarts: this.#restarts }, 'engine died');
    this.events.lifecycle(this.name, 'restarting', pid, exitCode, `${how}; again in ${wait} ms`);
    this.events.changed();
    this.#retry = setTimeout(() => this.#spawn(), wait);
  }
}
