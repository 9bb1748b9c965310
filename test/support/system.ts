// Runs the whole system in a test as a user does: the command, nine processes, free ports, a data folder of its own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Bar } from '../../src/market/bar.ts';
import { eventually } from './eventually.ts';

const CLI = resolve(import.meta.dir, '../../src/cli/nautilus.ts');

/** What a finished command was. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `nautilus <args>` to its end. */
export async function nautilus(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  const child = Bun.spawn([process.execPath, CLI, ...args], {
    env: { ...process.env, NAUTILUS_PORTS: 'free', ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

/** One engine as `ps --json` lists it. */
export interface ListedEngine {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly state: string;
  readonly health: string;
  readonly restarts: number;
}

/** A running system. */
export class TestSystem {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'system-'));
  readonly env: Record<string, string>;
  #child: Bun.Subprocess<'ignore', 'pipe', 'pipe'> | undefined;
  #log = '';

  private constructor(env: Record<string, string>) {
    this.env = { NAUTILUS_DATA_DIR: this.dataDir, NAUTILUS_FEED: 'none', ...env };
  }

  /** Starts `nautilus up <args>` and waits until every engine answers. */
  static async start(args: readonly string[] = [], env: Record<string, string> = {}): Promise<TestSystem> {
    const system = new TestSystem(env);
    const child = Bun.spawn([process.execPath, CLI, 'up', ...args], {
      env: { ...process.env, NAUTILUS_PORTS: 'free', ...system.env },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    });
    system.#child = child;
    void system.#read(child.stdout);
    void system.#read(child.stderr);
    await eventually(() => {
      if (child.exitCode !== null) throw new Error(`up ended with ${child.exitCode}: ${system.#log}`);
      return system.#log.includes('all engines are ready');
    }, 'all engines ready');
    return system;
  }

  /** Everything that was logged so far, one JSON object a line. */
  get log(): string {
    return this.#log;
  }

  run(args: readonly string[]): Promise<Outcome> {
    return nautilus(args, this.env);
  }

  /** The engines as `ps` lists them. */
  async engines(): Promise<ListedEngine[]> {
    const { stdout } = await this.run(['ps', '--json']);
    return (JSON.parse(stdout) as { engines: ListedEngine[] }).engines;
  }

  async engine(name: string): Promise<ListedEngine> {
    return (await this.engines()).find((e) => e.name === name)!;
  }

  /** Sends one request to an engine and returns its status and parsed reply. */
  // biome-ignore lint/suspicious/noExplicitAny: replies of many shapes
  async request(name: string, path: string, init: RequestInit = {}): Promise<{ status: number; body: any }> {
    const { port } = await this.engine(name);
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
    return { status: response.status, body: await response.json() };
  }

  async post(name: string, path: string, body?: unknown) {
    const json = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    return this.request(name, path, { method: 'POST', ...(body === undefined ? {} : json) });
  }

  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async stop(): Promise<void> {
    this.#child?.kill('SIGTERM');
    await this.#child?.exited;
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
      this.#log += decoder.decode(chunk, { stream: true });
    }
  }
}

/** Writes bars as a CSV file and returns its path; `extra` lines go to its end. */
export function barsFile(folder: string, bars: readonly Bar[], extra: readonly string[] = []): string {
  const lines = bars.map((b) => [b.ts_event_us, b.open, b.high, b.low, b.close, b.volume].join(','));
  const path = join(folder, `bars-${bars.length}.csv`);
  writeFileSync(path, ['timestamp,open,high,low,close,volume', ...lines, ...extra].join('\n'));
  return path;
}
