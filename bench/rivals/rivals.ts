// Talks to the rivals in Python: one process that keeps its inputs, times its own calls and answers in nanoseconds.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Side } from '../pairs.ts';

/** What a table says where the rivals are missing. */
export const RIVALS_HINT = '`bench/rivals/setup` installs the rivals';

/** The rivals that a Python may have. */
export type RivalName =
  | 'NumPy'
  | 'pandas'
  | 'TA-Lib'
  | 'QuantLib'
  | 'SciPy'
  | 'scikit-learn'
  | 'PyTorch'
  | 'LightGBM'
  | 'Optuna'
  | 'vaderSentiment'
  | 'tokenizers'
  | 'evidently';

/** What a request names beside its task. */
export type TaskOptions = Readonly<Record<string, unknown>>;

interface Reply {
  readonly ns?: number;
  readonly value?: number | null;
  readonly error?: string;
}

/** The running rivals. */
export class Rivals {
  /** `Python` and each library by name; absent ones are missing. */
  readonly versions: Readonly<Partial<Record<RivalName | 'Python', string>>>;
  readonly #child: Bun.Subprocess<'pipe', 'pipe', 'inherit'>;
  readonly #lines: AsyncGenerator<string, undefined>;

  private constructor(
    child: Bun.Subprocess<'pipe', 'pipe', 'inherit'>,
    lines: AsyncGenerator<string, undefined>,
    hello: string,
  ) {
    this.#child = child;
    this.#lines = lines;
    this.versions = JSON.parse(hello) as Rivals['versions'];
  }

  /**
   * Resolves to running rivals with `threads` threads of BLAS, or null where there is no Python with numpy. The Python is
   * that of `NAUTILUS_BENCH_PYTHON`, else of `bench/rivals/setup`, else `python3`. `script` is one of this folder's programs.
   */
  static async start(threads: number, script = 'rival.py'): Promise<Rivals | null> {
    const installed = join(import.meta.dir, '.venv/bin/python');
    const named = process.env.NAUTILUS_BENCH_PYTHON;
    const python = Bun.which(named ?? (existsSync(installed) ? installed : 'python3'));
    if (!python) return null;
    const count = String(threads);
    const child = Bun.spawn([python, join(import.meta.dir, script)], {
      env: {
        ...process.env,
        OPENBLAS_NUM_THREADS: count,
        OMP_NUM_THREADS: count,
        MKL_NUM_THREADS: count,
        // Its threads else go on spinning into the turn of the next side: 2^4 cycles instead of 2^26.
        OPENBLAS_THREAD_TIMEOUT: '4',
      },
      stdin: 'pipe',
      stdout: 'pipe',
      // A Python without numpy is no fault of the bench.
      stderr: named ? 'inherit' : 'ignore',
    }) as Bun.Subprocess<'pipe', 'pipe', 'inherit'>;
    const lines = readLines(child.stdout);
    const hello = (await lines.next()).value;
    return hello === undefined ? null : new Rivals(child, lines, hello);
  }

  /**
   * Resolves to the nanoseconds of one call of a task and to the last number of its result, null when it is not finite.
   * Rejects with what Python said when the task fails.
   */
  async run(task: string, options: TaskOptions = {}): Promise<{ ns: number; value: number | null }> {
    this.#child.stdin.write(`${JSON.stringify({ task, ...options })}\n`);
    this.#child.stdin.flush();
    const line = (await this.#lines.next()).value;
    if (line === undefined) throw new Error(`the rivals ended in ${task}`);
    const { ns, value = null, error } = JSON.parse(line) as Reply;
    if (ns === undefined) throw new Error(`${task}: ${error}`);
    return { ns, value };
  }

  /** Returns a task as a side of a comparison, its time multiplied by `scale`. */
  side(task: string, options: TaskOptions = {}, scale = 1): Side {
    return { measureNs: async () => (await this.run(task, options)).ns * scale };
  }

  stop(): void {
    this.#child.stdin.end();
  }
}

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
  return undefined;
}
