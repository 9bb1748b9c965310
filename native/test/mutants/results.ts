// What was found out about each mistake, kept in the build folder: a run that was ended goes on where it was.
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ROOT } from './source.ts';
import type { Test } from './suite.ts';

/** Who noticed a mistake: the compiler, a test, or nobody. */
export type Outcome = 'compiler' | 'test' | 'survived';

// What every test stands on besides its own file: without a change to the texts of these, what was noticed is noticed again.
const SHARED = [
  'native/test/check.h',
  'native/test/metal_*testing.h',
  'native/test/mutants/{compile,suite}.ts',
  'native/test/swmetal/*.{c,cc,h,mm}',
  'native/test/swmetal/msl/**/*',
];

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

interface Known {
  readonly outcome: Outcome;
  /** The states of the files of tests that it was tried with. */
  readonly files: ReadonlySet<string>;
}

/**
 * Outcomes by what decides them: the broken text, the schedules and the tests. What was noticed stays so when tests in other files
 * are added, what survived does not.
 */
export class Results {
  readonly #path: string;
  readonly #shared: string;
  readonly #known = new Map<string, Known>();
  readonly #states = new Map<string, string>();

  /** Reads what the file at `path` holds, if there is one. */
  constructor(path: string) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true });
    const names = SHARED.flatMap((pattern) => [...new Bun.Glob(pattern).scanSync(ROOT)]).sort();
    this.#shared = digest(names.map((name) => readFileSync(join(ROOT, name), 'utf8')).join('\0'));
    if (!existsSync(path)) return;
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      const [key, outcome, files] = line.split(' ');
      if (!key || !outcome || !files) continue;
      this.#known.set(key, { outcome: outcome as Outcome, files: new Set(files.split(',')) });
    }
  }

  /** Returns what is known of the broken text and its tests. */
  get(parts: readonly string[], tests: readonly Test[]): Outcome | undefined {
    const known = this.#known.get(this.#key(parts));
    if (!known) return undefined;
    const files = this.#files(tests);
    const grown = [...known.files].every((file) => files.includes(file));
    return grown && (known.outcome !== 'survived' || known.files.size === files.length)
      ? known.outcome
      : undefined;
  }

  /** Keeps it at once: the process may be ended at any time. */
  set(parts: readonly string[], tests: readonly Test[], outcome: Outcome, about: string): void {
    const line = [this.#key(parts), outcome, this.#files(tests).join(), about].join(' ');
    appendFileSync(this.#path, `${line}\n`);
  }

  #key(parts: readonly string[]): string {
    return digest([this.#shared, ...parts].join('\0'));
  }

  #files(tests: readonly Test[]): readonly string[] {
    return [...new Set(tests.map(({ file }) => file))].map((file) => {
      const state = this.#states.get(file) ?? digest(readFileSync(resolve(ROOT, file), 'utf8'));
      this.#states.set(file, state);
      return state;
    });
  }
}
