// A process of its own that is paused (SIGSTOP) in the middle of a transaction of a SQLite file, and so keeps everybody else from writing.

const PROGRAM = `
const { Database } = await import('bun:sqlite');
const db = new Database(process.argv[1]);
db.run('PRAGMA busy_timeout = 5000');
db.run('BEGIN IMMEDIATE');
console.log('held');
await new Promise(() => setInterval(() => {}, 1000));
`;

/** The process that holds the file, paused. */
export class LockHolder {
  readonly #child: Bun.Subprocess;

  private constructor(child: Bun.Subprocess) {
    this.#child = child;
  }

  /** Resolves when the file at `path` is held and its holder paused. */
  static async pausedIn(path: string): Promise<LockHolder> {
    const child = Bun.spawn([process.execPath, '-e', PROGRAM, path], {
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'inherit',
    });
    const { value } = await child.stdout.getReader().read();
    if (!value) throw new Error('the holder ended before it held the file');
    child.kill('SIGSTOP');
    return new LockHolder(child);
  }

  /** Ends it, as the supervisor does with a process that hangs: the file is free again. */
  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#child.exited;
  }
}
