// What a run of the Metal tests on a device says: which tests passed, how far each row was from the CPU, and the page to send back.

/** One test as it ended. */
export interface Outcome {
  readonly sentence: string;
  readonly result: 'passed' | 'failed' | 'skipped';
  /** Why it was skipped, or the first checks that failed; empty when it passed. */
  readonly reason: string;
  readonly seconds: number;
}

/** A row over all tests: the worst difference from the CPU, what is allowed, and the time of the device in milliseconds. */
export interface Row {
  readonly id: string;
  readonly worst: number;
  readonly allowed: number;
  readonly comparisons: number;
  readonly gpuMs: number;
}

/** What a test program printed about the device and the rows. */
export interface Seen {
  readonly device: string;
  /** Kernels that the device does not take, each with the reason. */
  readonly broken: readonly string[];
  readonly rows: readonly Row[];
}

/** A device of a virtual machine: it promises no simdgroup operations, and is known to hang. */
export const isVirtual = (device: string): boolean => /paravirtual/i.test(device);

/** Reads the lines that `METAL_TEST_REPORT=1` makes metal_tests print. */
export function readSeen(output: string): Seen {
  const number = String.raw`([-+.\de]+|inf|nan)`;
  const line = new RegExp(
    String.raw`^row (\w+) worst ${number} allowed ${number} comparisons (\d+) gpu_ms ${number}$`,
    'gm',
  );
  return {
    device: /^device (.*)$/m.exec(output)?.[1]?.trim() ?? '',
    broken: [...output.matchAll(/^broken (.*)$/gm)].map(([, text]) => text!),
    rows: [...output.matchAll(line)].map(([, id, worst, allowed, comparisons, gpuMs]) => ({
      id: id!,
      worst: worst === 'inf' || worst === 'nan' ? Number.POSITIVE_INFINITY : Number(worst),
      allowed: Number(allowed),
      comparisons: Number(comparisons),
      gpuMs: Number(gpuMs),
    })),
  };
}

/** Returns the rows of several tests as one each, by name. */
export function mergeRows(all: readonly Row[]): readonly Row[] {
  const merged = new Map<string, Row>();
  for (const row of all) {
    const known = merged.get(row.id);
    merged.set(row.id, {
      ...row,
      worst: Math.max(row.worst, known?.worst ?? 0),
      comparisons: row.comparisons + (known?.comparisons ?? 0),
      gpuMs: row.gpuMs + (known?.gpuMs ?? 0),
    });
  }
  return [...merged.values()].sort((a, b) => a.id.localeCompare(b.id));
}

// The first check of a test that asks whether the device has the kernel or ran it.
const NOT_RUN = /\bbackend\b|\bwanted\b|kMetal|has_metal|broken|is off by inf/;

/**
 * Says how a test ended, from its output. In a virtual machine a test is skipped when it hangs, or when kernels are missing there
 * and its first failed check is that the device did not run one; a wrong number is a failure everywhere.
 */
export function judge(
  sentence: string,
  ended: { readonly output: string; readonly exitCode: number | null; readonly seconds: number },
  device: { readonly name: string; readonly broken: readonly string[] },
): Outcome {
  const { output, exitCode, seconds } = ended;
  if (exitCode === 0) return { sentence, result: 'passed', reason: '', seconds };
  const virtual = isVirtual(device.name);
  if (exitCode === null) {
    const reason = `no answer within ${Math.round(seconds)} s`;
    return {
      sentence,
      result: virtual ? 'skipped' : 'failed',
      reason: virtual ? `${reason} in a virtual machine` : reason,
      seconds,
    };
  }
  const checks = output.split('\n').filter((line) => /:\d+: .* is false/.test(line));
  const first = checks[0] ?? output.trim().split('\n').at(-1) ?? '';
  if (virtual && device.broken.length > 0 && NOT_RUN.test(first)) {
    const kernels = device.broken.map((text) => text.split(':')[0]).join(', ');
    return { sentence, result: 'skipped', reason: `this virtual machine has no ${kernels}`, seconds };
  }
  const more = checks.length > 1 ? ` (and ${checks.length - 1} more)` : '';
  return { sentence, result: 'failed', reason: `${first}${more}`, seconds };
}

/** Returns the page to send back. `machine` is what the machine says of itself, a line each. */
export function reportOf(
  machine: readonly string[],
  seen: Seen,
  outcomes: readonly Outcome[],
  counters: readonly string[],
): string {
  const count = (result: Outcome['result']) => outcomes.filter((one) => one.result === result).length;
  const number = (value: number) => (value === 0 ? '0' : value.toPrecision(3));
  const rows = seen.rows.map(({ id, worst, allowed, comparisons, gpuMs }) =>
    [
      id.padEnd(24),
      number(worst).padStart(10),
      number(allowed).padStart(10),
      String(comparisons).padStart(11),
      gpuMs.toFixed(3).padStart(11),
      worst <= allowed ? '' : '  TOO FAR',
    ].join(' '),
  );
  const tests = outcomes.map(({ sentence, result, reason, seconds }) => {
    const word = { passed: 'ok  ', failed: 'FAIL', skipped: 'skip' }[result];
    return `${word} ${sentence} (${seconds.toFixed(1)} s)${reason ? `\n       ${reason}` : ''}`;
  });
  return [
    'Metal parity report',
    '',
    ...machine,
    `device: ${seen.device || 'none'}${isVirtual(seen.device) ? ' (a virtual machine)' : ''}`,
    `kernels that the device does not take: ${seen.broken.length === 0 ? 'none' : ''}`,
    ...seen.broken.map((text) => `  ${text}`),
    ...counters,
    '',
    `tests: ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`,
    ...tests,
    '',
    'Worst difference from the CPU over all tests, relative as docs/kernels.md says; time of the device over all its calls here, which',
    'are small: no measure of speed (that is `make bench` and `nautilus calibrate`).',
    `${'row'.padEnd(24)} ${'worst'.padStart(10)} ${'allowed'.padStart(10)} ${'comparisons'.padStart(11)} ${'gpu ms'.padStart(11)}`,
    ...rows,
    '',
  ].join('\n');
}
