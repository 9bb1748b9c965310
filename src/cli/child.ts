// One process under the supervisor: its start, what it says, its restarts with back-off, its end. Engines and proxies alike.
import type { Subprocess } from 'bun';
import { DependencyUnavailableError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { forEachLine } from './lines.ts';
import { Silence } from './silence.ts';

/** What a process tells its supervisor. */
export type EngineMessage =
  | {
      readonly type: 'ready';
      readonly port: number;
      readonly privatePort: number | null;
      /** Whether there is a Metal device whose sizes can be measured; a proxy does not say. */
      readonly metal?: boolean;
    }
  /** Every second, from the event loop. */
  | { readonly type: 'alive' }
  /** `fatal`: trying again without a change would fail again (a taken port). */
  | { readonly type: 'failed'; readonly message: string; readonly fatal: boolean };

export type ChildState = 'starting' | 'running' | 'restarting' | 'stopping' | 'stopped' | 'failed';

export interface ChildEvents {
  /** Anything of {@link Child} has changed. */
  changed(): void;
  lifecycle(
    child: Child,
    event: 'started' | 'exited' | 'restarting' | 'stopped',
    pid: number | null,
    exitCode: number | null,
    detail: string,
  ): void;
}

export interface ChildOptions {
  readonly engine: string;
  /** Undefined in an engine with a single process. */
  readonly replica: number | undefined;
  /** What it is called in logs and lists. */
  readonly label: string;
  /** Arguments of Bun. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly events: ChildEvents;
  readonly log: Log;
  /** Receives each line that it logs. */
  readonly onLine: (line: string) => void;
  /** Seconds of silence after which it is killed; 0 = never. */
  readonly hangS: number;
}

const BACKOFF_MS = { first: 100, longest: 5000 } as const;
// A process that has run for so long starts its next back-off from the beginning.
const STABLE_MS = 10_000;
const START_TIMEOUT_S = 30;

/** A process that is started again when it dies or hangs, until it is stopped. */
export class Child {
  readonly options: ChildOptions;
  /** Joined to the environment of the next start. */
  readonly extraEnv: Record<string, string> = {};
  state: ChildState = 'starting';
  port: number | null = null;
  privatePort: number | null = null;
  restarts = 0;
  /** Whether it has told of a Metal device. */
  metal = false;
  readonly #silence: Silence;
  #process: Subprocess | undefined;
  #backoffMs: number = BACKOFF_MS.first;
  #startedMs = 0;
  #fatal: string | undefined;
  #onReady: (() => void) | undefined;
  #onFailed: ((error: Error) => void) | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ChildOptions) {
    this.options = options;
    this.#silence = new Silence({ runningS: options.hangS, startingS: START_TIMEOUT_S });
  }

  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /** Resolves when it is ready. Throws {@link DependencyUnavailableError} when it ends or hangs before that. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onReady = () => {
        this.#onFailed = undefined;
        resolve();
      };
      this.#onFailed = reject;
      this.#spawn();
    });
  }

  /** Sends a message to the process; what is said while it is away is lost. */
  send(message: unknown): void {
    if (this.state === 'running') this.#process?.send(message);
  }

  /** Called by the supervisor every second; kills the process when it has been silent for too long. */
  tick(): void {
    const { label, log } = this.options;
    if (this.state === 'stopping' || this.state === 'stopped' || this.state === 'failed') return;
    const silentS = this.#silence.tick(this.state === 'running');
    const child = this.#process;
    if (silentS === null || !child || child.exitCode !== null) return;
    if (this.#onFailed) {
      this.#failStart(`Engine ${label} was not ready within ${silentS} s`);
      return;
    }
    log.error({ about: label, pid: child.pid, silent_s: silentS }, 'engine hangs: killed');
    // Also ends a process that was stopped, which takes no gentler signal.
    child.kill('SIGKILL');
  }

  /** Asks it to end, and kills it after `graceMs` and one second. */
  async stop(graceMs: number): Promise<void> {
    clearTimeout(this.#retry);
    this.state = 'stopping';
    this.#onFailed = undefined;
    const child = this.#process;
    if (child && child.exitCode === null) {
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), graceMs + 1000);
      await child.exited;
      clearTimeout(killer);
    }
    this.state = 'stopped';
    this.#tell('stopped', child?.pid ?? null, child?.exitCode ?? null, 'asked to stop');
  }

  #tell(
    event: Parameters<ChildEvents['lifecycle']>[1],
    pid: number | null,
    code: number | null,
    how: string,
  ) {
    this.options.events.lifecycle(this, event, pid, code, how);
  }

  #spawn(): void {
    const { command, env, log, label, onLine, events } = this.options;
    this.#startedMs = performance.now();
    this.#fatal = undefined;
    this.#silence.heard();
    const child = Bun.spawn([process.execPath, ...command], {
      env: { ...env, ...this.extraEnv },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      ipc: (message: EngineMessage) => this.#onMessage(message),
      onExit: (ended, exitCode, signal) => this.#onExit(ended.pid, exitCode, signal),
    });
    this.#process = child;
    void forEachLine(child.stdout, onLine);
    void forEachLine(child.stderr, (line) => log.error({ about: label, stderr: true }, line));
    events.changed();
  }

  #onMessage(message: EngineMessage): void {
    if (message.type === 'failed') {
      if (message.fatal) this.#fatal = message.message;
      return;
    }
    this.#silence.heard();
    if (message.type === 'alive' || this.state === 'stopping') return;
    this.state = 'running';
    this.port = message.port;
    this.privatePort = message.privatePort;
    this.metal = message.metal ?? false;
    this.options.events.changed();
    this.#tell('started', this.pid, null, `port ${message.port}`);
    this.#onReady?.();
  }

  #onExit(pid: number, exitCode: number | null, signal: unknown): void {
    if (this.state === 'stopping' || this.state === 'stopped') return;
    const { label, log, events } = this.options;
    const how = signal ? `signal ${signal}` : `exit code ${exitCode}`;
    this.#tell('exited', pid, exitCode, how);
    if (this.#onFailed) {
      this.#failStart(this.#fatal ?? `Engine ${label} ended with ${how} while starting`);
      return;
    }
    if (performance.now() - this.#startedMs > STABLE_MS) this.#backoffMs = BACKOFF_MS.first;
    const wait = this.#backoffMs;
    this.#backoffMs = Math.min(this.#backoffMs * 2, BACKOFF_MS.longest);
    this.restarts++;
    this.state = 'restarting';
    log.error({ about: label, pid, how, retry_ms: wait, restarts: this.restarts }, 'engine died');
    this.#tell('restarting', pid, exitCode, `${how}; again in ${wait} ms`);
    events.changed();
    this.#retry = setTimeout(() => this.#spawn(), wait);
  }

  // During the first start a failure is the user's to see; later on it is ours to mend.
  #failStart(reason: string): void {
    this.state = 'failed';
    this.options.events.changed();
    this.#onFailed?.(new DependencyUnavailableError(reason));
    this.#onFailed = undefined;
  }
}
