// A real Redis for a test: its own process on a free port, with no file on disk, killed, paused and started again at will.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RedisSettings, redisSettings } from '../../src/core/redis-settings.ts';
import { eventually } from './eventually.ts';

/** Path of `redis-server`, or null when it is not installed. */
export const REDIS_SERVER: string | null = Bun.which('redis-server');

if (!REDIS_SERVER) {
  console.log(
    'redis-server is not installed: the tests over Redis are skipped (scripts/setup.sh --test-tools)',
  );
}

/** A running Redis. */
export class TestRedis {
  readonly folder = mkdtempSync(join(tmpdir(), 'redis-'));
  #child: Bun.Subprocess | undefined;

  private constructor(
    readonly port: number,
    readonly args: readonly string[],
    readonly isSentinel: boolean,
  ) {}

  /** Starts one on a free port; `args` are handed to redis-server. */
  static start(args: readonly string[] = []): Promise<TestRedis> {
    return TestRedis.#launch(args, false);
  }

  /**
   * Starts a Sentinel that watches `master` under `name`, and gives it up when `quorum` of them have heard nothing of it for
   * `downAfterMs`: this one alone after 300 ms unless told otherwise.
   */
  static sentinel(
    master: TestRedis,
    name: string,
    { quorum = 1, downAfterMs = 300 } = {},
  ): Promise<TestRedis> {
    const lines = [
      `sentinel monitor ${name} 127.0.0.1 ${master.port} ${quorum}`,
      `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
      `sentinel failover-timeout ${name} 3000`,
    ];
    return TestRedis.#launch(lines, true);
  }

  static async #launch(args: readonly string[], isSentinel: boolean): Promise<TestRedis> {
    const probe = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
    const { port } = probe;
    probe.stop(true);
    const redis = new TestRedis(port, args, isSentinel);
    await redis.restart();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  settings(prefix = 'nautilus:', url = this.url): RedisSettings {
    return redisSettings({ url, prefix });
  }

  async restart(): Promise<void> {
    this.#child = Bun.spawn(
      [REDIS_SERVER!, ...(this.isSentinel ? this.#sentinelArgs() : this.#serverArgs())],
      {
        stdin: 'ignore',
        stdout: 'ignore',
        stderr: 'inherit',
      },
    );
    await eventually(() => this.#answers(), 'redis-server answers');
  }

  /** Sends a signal to the server. */
  signal(signal: NodeJS.Signals): void {
    this.#child!.kill(signal);
  }

  /** Ends the server at once, as a crash does. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#child?.exited;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #serverArgs(): string[] {
    const fixed = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--dir', this.folder];
    return [...fixed, '--save', '', '--appendonly', 'no', '--loglevel', 'warning', ...this.args];
  }

  // A Sentinel keeps what it knows in its file, so that it needs one.
  #sentinelArgs(): string[] {
    const file = join(this.folder, 'sentinel.conf');
    const fixed = [`port ${this.port}`, 'bind 127.0.0.1', `dir ${this.folder}`, 'loglevel warning'];
    writeFileSync(file, `${[...fixed, ...this.args].join('\n')}\n`);
    return [file, '--sentinel'];
  }

  // Any reply will do: a server with a password answers NOAUTH.
  async #answers(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const no = () => resolve(false);
    const socket = await Bun.connect({
      hostname: '127.0.0.1',
      port: this.port,
      socket: { open: (s) => void s.write('PING\r\n'), data: () => resolve(true), close: no, error: no },
    }).catch(() => null);
    if (!socket) return false;
    const answer = await promise;
    socket.end();
    return answer;
  }
}
