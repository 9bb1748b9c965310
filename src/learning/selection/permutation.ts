// What a model loses when a feature is shuffled among rows that it has not seen.
import { Philox } from '../../core/philox.ts';
import type { FeatureGroup, ServedFunction } from './served.ts';

/** Rows with their labels, all held out. */
export interface HeldOutRows {
  /** [rows, columns]. */
  readonly inputs: Float32Array;
  /** [rows]; class numbers where `classes` is given. */
  readonly targets: Float32Array;
  readonly classes: number | null;
}

/** What a feature is worth. */
export interface PermutationScore {
  readonly name: string;
  /** Mean growth of the loss. */
  readonly importance: number;
  /** Of that mean, over the repeats. */
  readonly standard_error: number;
}

/** Of a classification the log-loss in nats, else the root mean squared error. */
export type Loss = 'log_loss' | 'rmse';

const LEAST = 1e-15;

/**
 * Returns the loss of a model and, for each feature, what it grows by when the feature comes from other rows: Breiman 2001, Fisher, Rudin and Dominici 2019.
 * The columns of all steps of a feature move together. The same seed gives the same numbers.
 */
export async function permutationImportance(
  model: ServedFunction,
  groups: readonly FeatureGroup[],
  rows: HeldOutRows,
  {
    repeats,
    seed,
    signal,
    progress,
  }: {
    readonly repeats: number;
    readonly seed: number;
    readonly signal?: AbortSignal;
    readonly progress?: (fraction: number) => void;
  },
): Promise<{ readonly loss: number; readonly features: PermutationScore[] }> {
  const count = rows.targets.length;
  const { columns } = model;
  const loss = lossOf(await model.predict(rows.inputs), rows);
  const features: PermutationScore[] = [];
  const changed = rows.inputs.slice();
  for (const [g, { name, columns: own }] of groups.entries()) {
    const growth: number[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) {
      signal?.throwIfAborted();
      // One order of rows for each repeat, whatever the feature.
      const from = shuffled(count, seed, repeat);
      for (let row = 0; row < count; row++)
        for (const c of own) changed[row * columns + c] = rows.inputs[from[row]! * columns + c]!;
      growth.push(lossOf(await model.predict(changed), rows) - loss);
    }
    for (let row = 0; row < count; row++)
      for (const c of own) changed[row * columns + c] = rows.inputs[row * columns + c]!;
    const mean = growth.reduce((sum, value) => sum + value, 0) / repeats;
    const squares = growth.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    features.push({ name, importance: mean, standard_error: Math.sqrt(squares / (repeats - 1) / repeats) });
    progress?.((g + 1) / groups.length);
  }
  return { loss, features };
}

/** Returns the loss of answers [rows, width]. */
export function lossOf(answers: Float32Array, { targets, classes }: Omit<HeldOutRows, 'inputs'>): number {
  const count = targets.length;
  const width = answers.length / count;
  let sum = 0;
  for (let row = 0; row < count; row++) {
    const target = targets[row]!;
    if (classes === null) sum += (answers[row * width]! - target) ** 2;
    else {
      const of =
        width === 1 ? (target === 1 ? answers[row]! : 1 - answers[row]!) : answers[row * width + target]!;
      sum -= Math.log(Math.max(LEAST, of));
    }
  }
  return classes === null ? Math.sqrt(sum / count) : sum / count;
}

/** Returns an order of `count` rows: Fisher and Yates. */
export function shuffled(count: number, seed: number, stream: number): Uint32Array {
  const random = new Philox(seed, stream).fillUniform(new Float64Array(count));
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = Math.floor(random[i]! * (i + 1));
    [order[i], order[other]] = [order[other]!, order[i]!];
  }
  return order;
}
