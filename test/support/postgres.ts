// A real Postgres for a test: a cluster of its own in a temporary folder, killed, paused and started again at will.
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type PostgresSettings, postgresSettings } from '../../src/core/postgres-settings.ts';
import { eventually } from './eventually.ts';

/** Folder of `postgres` and `initdb`, or null when they are not installed. */
export const POSTGRES_BIN: string | null = findBinaries();

if (!POSTGRES_BIN) {
  console.log('Postgres is not installed: the tests over it are skipped (scripts/setup.sh --test-tools)');
}

// Debian keeps the programs of the server out of PATH.
function findBinaries(): string | null {
  const inPath = Bun.which('initdb');
  if (inPath && Bun.which('postgres')) return dirname(inPath);
  const roots = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt'];
  const folders = roots.flatMap((root) =>
    existsSync(root) ? readdirSync(root).map((name) => join(root, name, 'bin')) : [],
  );
  const found = folders.filter(
    (folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')),
  );
  return found.sort((a, b) => a.localeCompare(b, undefined, { numeric: true })).at(-1) ?? null;
}

/** Who runs the server: Postgres refuses to run as root. */
function runner(): { readonly prefix: readonly string[]; readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = users.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid === undefined) continue;
    const ids = { uid: Number(uid), gid: Number(gid) };
    if (Bun.which('setpriv'))
      return { prefix: ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--'], ...ids };
    if (Bun.which('runuser')) return { prefix: ['runuser', '-u', name, '--'], ...ids };
  }
  throw new Error(
    'Expected setpriv or runuser, and a user postgres or nobody: Postgres does not run as root',
  );
}

/** A running Postgres. */
export class TestPostgres {
  readonly folder = mkdtempSync(join(tmpdir(), 'postgres-'));
  readonly #runner = runner();
  #child: Bun.Subprocess | undefined;

  private constructor(
    readonly port: number,
    readonly args: readonly string[],
  ) {}

  /** Starts one on a free port, without waiting for the disk; `args` are handed to postgres. */
  static async start(args: readonly string[] = []): Promise<TestPostgres> {
    const probe = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
    const { port } = probe;
    probe.stop(true);
    const server = new TestPostgres(port, args);
    await server.#make();
    await server.restart();
    return server;
  }

  get url(): string {
    return `postgres://nautilus@127.0.0.1:${this.port}/postgres`;
  }

  settings(schemaPrefix = '', url = this.url): PostgresSettings {
    return postgresSettings({ url, schemaPrefix });
  }

  /** Folder of the cluster with its files. */
  get data(): string {
    return join(this.folder, 'data');
  }

  async restart(): Promise<void> {
    const fixed = ['-D', this.data, '-p', `${this.port}`, '-c', 'listen_addresses=127.0.0.1'];
    const quick = [
      '-c',
      `unix_socket_directories=${this.folder}`,
      '-c',
      'fsync=off',
      '-c',
      'shared_buffers=16MB',
    ];
    this.#child = this.#spawn('postgres', [...fixed, ...quick, ...this.args]);
    await eventually(() => this.#answers(), 'postgres answers');
  }

  /** Runs statements as the owner of the cluster, on a connection of their own; tables without a schema are those of `schema`. */
  async run(sql: string, schema = 'public'): Promise<Record<string, string>[]> {
    const { Client } = await import('pg');
    const client = new Client({
      connectionString: this.url,
      ssl: false,
      options: `-c search_path=${schema}`,
    });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(sql)).rows as Record<string, string>[];
    } finally {
      await client.end();
    }
  }

  /** Ends the server and all its connections at once, as a crash does. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    // Left alone, the parts would end themselves; paused ones would not.
    const parts = this.#processes();
    for (const pid of parts) signal(pid, 'SIGKILL');
    await child.exited;
    await eventually(() => alive(parts).length === 0, 'the parts of postgres are gone');
  }

  /** Stops every process of the server where it is, until `resume`. */
  pause(): void {
    for (const pid of this.#processes()) signal(pid, 'SIGSTOP');
  }

  resume(): void {
    for (const pid of this.#processes()) signal(pid, 'SIGCONT');
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #make(): Promise<void> {
    if (this.#runner) chownSync(this.folder, this.#runner.uid, this.#runner.gid);
    chmodSync(this.folder, 0o755);
    const options = ['-U', 'nautilus', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
    const child = this.#spawn('initdb', ['-D', this.data, ...options]);
    if ((await child.exited) !== 0) throw new Error('Expected initdb to make a cluster');
  }

  #spawn(program: string, args: readonly string[]): Bun.Subprocess {
    return Bun.spawn([...(this.#runner?.prefix ?? []), join(POSTGRES_BIN!, program), ...args], {
      cwd: this.folder,
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'ignore',
    });
  }

  /** The first process of the server, whose number is in its lock file, and its children. */
  #processes(): number[] {
    const file = join(this.data, 'postmaster.pid');
    if (!existsSync(file)) return [];
    const first = Number(readFileSync(file, 'utf8').split('\n')[0]);
    const children = listed(['-o', 'pid=,ppid=', '-A']).filter(([, parent]) => parent === `${first}`);
    return [first, ...children.map(([pid]) => Number(pid))];
  }

  async #answers(): Promise<boolean> {
    return this.run('SELECT 1').then(
      () => true,
      () => false,
    );
  }
}

/** Rows of `ps`. */
function listed(args: readonly string[]): string[][] {
  const { stdout } = Bun.spawnSync(['ps', ...args]);
  return stdout
    .toString()
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.trim().split(/\s+/));
}

/** Those processes that still run: ended ones may be listed until their parent asks for them. */
function alive(pids: readonly number[]): number[] {
  const states = listed(['-o', 'pid=,state=', '-p', pids.join(',')]);
  return states.filter(([, state]) => !state!.startsWith('Z')).map(([pid]) => Number(pid));
}

/** Sends a signal to a process that may have ended. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself.
  }
}
