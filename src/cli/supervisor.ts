// The supervisor: the processes of the engines, a hub or Redis between them, restarts with back-off, a graceful end. No native code here.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Bus } from '../bus/client.ts';
import { HubServer } from '../bus/hub-server.ts';
import { LogStore } from '../bus/log-store.ts';
import { topics } from '../bus/topics.ts';
import type { Transport } from '../bus/transport.ts';
import type { Config } from '../core/config.ts';
import { ConflictError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { VERSION } from '../core/version.ts';
import { removeLocalKey, writeLocalKey } from '../http/local-key.ts';
import { type BackgroundCalibration, calibrateInBackground } from './calibrate/background.ts';
import type { ChildEvents } from './child.ts';
import { entryOf, portOf } from './engines.ts';
import { ReplicaGroup } from './replica-group.ts';
import {
  endLeftovers,
  hubSocketPath,
  type RunFile,
  readRunFile,
  removeRunFile,
  writeRunFile,
} from './run-file.ts';
import { logRetention, redisTransport } from './transport.ts';

export interface SupervisorOptions {
  readonly config: Config;
  readonly engines: readonly string[];
  /** Processes of an engine; one where it is not named. */
  readonly replicas: ReadonlyMap<string, number>;
  readonly log: Log;
  /** Receives each line that an engine logs. */
  readonly onLine: (line: string) => void;
}

const TICK_MS = 1000;
// What an engine without a supervisor may take for its end beyond its grace.
const LEFTOVER_MS = 2000;

const SAME_AGAIN_MS = 10_000;

/** Passes on what is new; the same again only after some time: a full disk must not fill the log as well. */
function onceInAWhile(tell: (what: string, error: unknown) => void): (what: string, error: unknown) => void {
  const toldAt = new Map<string, number>();
  return (what, error) => {
    const now = performance.now();
    if (now < (toldAt.get(what) ?? Number.NEGATIVE_INFINITY) + SAME_AGAIN_MS) return;
    toldAt.set(what, now);
    tell(what, error);
  };
}

/** Runs a set of engines until it is stopped. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #hub: HubServer | undefined;
  readonly #groups: ReplicaGroup[];
  readonly #startedAt = new Date().toISOString();
  #bus: Bus | undefined;
  #stateFailed = false;
  #ticker: ReturnType<typeof setInterval> | undefined;
  #stopping: Promise<void> | undefined;
  #calibration: BackgroundCalibration | undefined;
  /** Environment of all processes. */
  readonly #env: Readonly<Record<string, string | undefined>>;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { config, log } = options;
    const socketPath = hubSocketPath(config.dataDir);
    if (!config.redis) {
      this.#hub = new HubServer({
        socketPath,
        maxQueuedBytes: config.hubQueueBytes,
        log: new LogStore({
          path: join(config.dataDir, 'log.sqlite'),
          durability: config.durability,
          retention: logRetention(config),
          onFailure: onceInAWhile((what, err) => log.error({ err }, what)),
        }),
        onProtocolError: (client, err) => log.warn({ client, err }, 'hub: client broke the protocol'),
      });
    }
    const countOf = (engine: string) => options.replicas.get(engine) ?? 1;
    const processes = options.engines.reduce((sum, engine) => sum + countOf(engine), 0);
    const threads = Math.max(1, Math.floor(config.threads / Math.max(1, processes)));
    this.#env = {
      ...process.env,
      NODE_ENV: 'production',
      NAUTILUS_HUB_SOCKET: socketPath,
      NAUTILUS_DATA_DIR: config.dataDir,
      NAUTILUS_REPLICA: '',
      NAUTILUS_REPLICA_PORT: '',
      NAUTILUS_THREADS: String(threads),
      OPENBLAS_NUM_THREADS: String(threads),
    };
    const common = {
      env: this.#env,
      config,
      log,
      onLine: options.onLine,
      hangS: config.hangS,
      events: this.#events(),
    };
    this.#groups = options.engines.map(
      (engine) =>
        new ReplicaGroup({
          ...common,
          engine,
          count: countOf(engine),
          first: options.replicas.has(engine) ? config.firstReplica : undefined,
          port: portOf(entryOf(engine), config),
        }),
    );
  }

  /** Engine processes with their ports, as soon as they are known. */
  get engines(): RunFile['engines'] {
    return this.#groups.flatMap(({ children }) =>
      children.map((child) => ({
        name: child.options.engine,
        replica: child.options.replica ?? null,
        port: child.port,
        private_port: child.privatePort,
        pid: child.pid,
        state: child.state,
        restarts: child.restarts,
      })),
    );
  }

  /**
   * Starts the hub (none with Redis) and every engine. Resolves when all are ready. Throws {@link ConflictError} when a
   * system runs on the data folder already, {@link DependencyUnavailableError} when Redis does not answer or an engine
   * cannot start; everything is stopped then.
   */
  async start(): Promise<void> {
    const { config, log } = this.#options;
    const running = readRunFile(config.dataDir);
    if (running) {
      throw new ConflictError(
        `Engines already run on this data folder (supervisor pid ${running.pid}): see \`bun run nautilus ps\`, or stop them with \`bun run nautilus down\``,
      );
    }
    mkdirSync(join(config.dataDir, 'run'), { recursive: true });
    // Engines of a supervisor that was killed still write what they must and hold their ports.
    const killed = await endLeftovers(config.dataDir, config.graceMs + LEFTOVER_MS);
    if (killed.length > 0) log.warn({ pids: killed }, 'engines of an earlier start hung: killed');
    this.#bus = new Bus('supervisor', await this.#transport());
    writeLocalKey(config.dataDir);
    this.#writeState();
    this.#ticker = setInterval(() => {
      for (const group of this.#groups) group.tick();
      if (this.#stateFailed) this.#writeState();
    }, TICK_MS);
    try {
      await Promise.all(this.#groups.map((group) => group.start()));
    } catch (error) {
      await this.stop();
      throw error;
    }
    const { metal, autoRouting } = config.hardware;
    const device = this.#groups.some(({ children }) => children.some((child) => child.metal));
    if (device && metal && autoRouting && !this.#stopping)
      this.#calibration = calibrateInBackground(this.#env, log, this.#options.onLine);
  }

  async #transport(): Promise<Transport> {
    const { config, log } = this.#options;
    const { redis, defaultTimeoutMs } = config;
    if (redis) {
      const { probeRedis } = await import('../bus/redis-probe.ts');
      await probeRedis(redis, defaultTimeoutMs);
      return redisTransport(redis, config, 'supervisor', log);
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
    this.#calibration?.stop();
    await Promise.all(this.#groups.map((group) => group.stop(this.#options.config.graceMs)));
    clearInterval(this.#ticker);
    await this.#bus?.close();
    this.#hub?.close();
    removeLocalKey(this.#options.config.dataDir);
    removeRunFile(this.#options.config.dataDir);
  }

  #events(): ChildEvents {
    return {
      changed: () => this.#writeState(),
      lifecycle: ({ options: { engine, replica } }, event, pid, exitCode, detail) => {
        const which = replica === undefined ? {} : { replica };
        this.#bus?.publish(topics.lifecycle, { engine, ...which, event, pid, exit_code: exitCode, detail });
      },
    };
  }

  // What is written here is for those who look; that it cannot be (a full disk) must not keep an engine from coming back.
  #writeState(): void {
    try {
      this.#writeRunFile();
      this.#stateFailed = false;
    } catch (err) {
      if (!this.#stateFailed) this.#options.log.error({ err }, 'the state of the engines cannot be written');
      this.#stateFailed = true;
    }
  }

  #writeRunFile(): void {
    writeRunFile(this.#options.config.dataDir, {
      pid: process.pid,
      version: VERSION,
      started_at: this.#startedAt,
      bus: this.#hub ? 'hub' : 'redis',
      engines: this.engines,
    });
  }
}
