// One row of a table that compares our learning with a rival's, answers first.
import { formatNs, pairRow } from '../pairs.ts';
import { isQuick } from '../report.ts';
import type { Rivals, TaskOptions } from '../rivals/rivals.ts';

/** Work of ours and the task of the rival that does the same; both give one number. */
export interface RivalCase {
  readonly name: string;
  readonly task: string;
  readonly sizes: TaskOptions;
  readonly ours: () => Promise<number> | number;
}

/**
 * Returns name, our time, the rival's and their ratio; without rivals name and our time. Throws when the answers differ by more than
 * `allowed`, which is given theirs.
 */
export async function rivalRow(
  { name, task, sizes, ours }: RivalCase,
  rivals: Rivals | null,
  allowed: (theirs: number) => number,
): Promise<string[]> {
  const own = await ours();
  if (!rivals) return aloneRow(name, ours);
  const { value } = await rivals.run(task, sizes);
  if (value === null || Math.abs(own - value) > allowed(value))
    throw new Error(`${name}: ours ${own}, theirs ${value}`);
  return pairRow({ name, a: ours, b: rivals.side(task, sizes), pairs: isQuick ? 15 : 25 });
}

/** Returns the row of work that nothing is compared with: name and the time of one run. */
export async function aloneRow(name: string, ours: () => unknown): Promise<string[]> {
  const start = Bun.nanoseconds();
  await ours();
  return [name, formatNs(Bun.nanoseconds() - start), '', ''];
}
