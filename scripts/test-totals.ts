// Reads the real totals of a test run out of what its runner printed.

/** How many tests passed, failed and were skipped. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Returns the sum of `all`. */
export function sum(all: readonly Totals[]): Totals {
  const add = (key: keyof Totals) => all.reduce((total, one) => total + one[key], 0);
  return { passed: add('passed'), failed: add('failed'), skipped: add('skipped') };
}

/** Returns the closing line: `N passed, N failed`, with `, N skipped` when any was. */
export function closingLine({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`;
}

/**
 * Returns the totals of `bun test` from its output. A test marked `todo` counts as skipped. A run that broke off before its
 * summary counts the tests that it reported, plus one failure; so does a run that ended badly without a failed test.
 */
export function bunTotals(output: string, exitCode: number): Totals {
  const summary = /^Ran \d+ tests? across/m.test(output);
  const count = (word: string): number => {
    if (!summary) return [...output.matchAll(new RegExp(`^\\(${word}\\) `, 'gm'))].length;
    // The summary comes last, after whatever the tests printed themselves.
    return Number([...output.matchAll(new RegExp(`^ *(\\d+) ${word}$`, 'gm'))].at(-1)?.[1] ?? 0);
  };
  const totals = { passed: count('pass'), failed: count('fail'), skipped: count('skip') + count('todo') };
  return withCrash(totals, exitCode !== 0 && !(summary && totals.failed > 0));
}

/**
 * Returns the totals of `ctest --verbose` from its output. Each test program prints `ok   <sentence>` or `FAIL <sentence>`
 * for each test and closes with `N tests, ...`; one that broke off before counts what it reported, plus one failure.
 */
export function ctestTotals(output: string, exitCode: number): Totals {
  const programs = [...output.matchAll(/^(\d+): Test command:/gm)].map((match) => {
    const lines = (pattern: string) => [...output.matchAll(new RegExp(`^${match[1]}: ${pattern}`, 'gm'))];
    const totals = { passed: lines('ok {3}').length, failed: lines('FAIL ').length, skipped: 0 };
    const announced = Number(lines('(\\d+) tests, ').at(-1)?.[1] ?? -1);
    return withCrash(totals, announced !== totals.passed + totals.failed);
  });
  const totals = sum(programs);
  return withCrash(totals, exitCode !== 0 && totals.failed === 0);
}

// How either runner reports one test: bun's `(fail) name`, and behind ctest's number `FAIL sentence`.
const REPORT = /^(?:\((?:pass|fail|skip|todo)\) |\d+: (?:ok {3}|FAIL ))/;
const FAILURE = /^(?:\(fail\) |\d+: FAIL )/;

/**
 * Returns the line of each failed test in the output of either runner, each after at most the last `context` lines that were
 * printed since the test before it, which say what was expected.
 */
export function failures(output: string, context = 8): string[] {
  const found: string[] = [];
  let since: string[] = [];
  for (const line of output.split('\n')) {
    if (FAILURE.test(line)) found.push(...since.slice(-context), line);
    if (REPORT.test(line)) since = [];
    else if (line.trim() !== '') since.push(line);
  }
  return found;
}

function withCrash(totals: Totals, crashed: boolean): Totals {
  return crashed ? { ...totals, failed: totals.failed + 1 } : totals;
}
