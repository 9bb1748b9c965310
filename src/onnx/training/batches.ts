// Which rows a step sees: every row once an epoch, in an order that only the seed and the epoch decide.
import { Philox, philox4x32 } from '../../core/philox.ts';

/** Streams of random numbers beside those of the first parameters, which count up from 0. */
const SHUFFLE_STREAM = 2n ** 32n;

/** The minibatches of a run. The last one of an epoch is filled up with rows of weight 0, so that no row is left out. */
export class Batches {
  readonly batch: number;
  readonly perEpoch: number;
  readonly #rows: Uint32Array;
  readonly #weights: Float32Array | undefined;
  readonly #seed: number;
  readonly #shuffled: boolean;
  #epoch = -1;
  #order = new Uint32Array();

  /** Rows of weight 0 are never picked. `shuffled` is false for evaluation, which goes in the order of the rows. */
  constructor(
    rows: number,
    options: {
      readonly batch: number;
      readonly weights?: Float32Array | undefined;
      readonly seed: number;
      readonly shuffled?: boolean;
    },
  ) {
    const { batch, weights, seed, shuffled = true } = options;
    this.#weights = weights;
    this.#rows = Uint32Array.from({ length: rows }, (_, i) => i).filter((i) => !weights || weights[i]! > 0);
    this.batch = batch;
    this.perEpoch = Math.ceil(this.#rows.length / batch);
    this.#seed = seed;
    this.#shuffled = shuffled;
  }

  /** Writes the rows and weights of steps `from` to `to - 1`, which are of one epoch; returns the weight of each step. */
  fill(from: number, to: number): { indices: BigInt64Array; weights: Float32Array; totals: Float64Array } {
    const { batch, perEpoch } = this;
    const order = this.#orderOf(Math.floor(from / perEpoch));
    const indices = new BigInt64Array((to - from) * batch);
    const weights = new Float32Array(indices.length);
    const totals = new Float64Array(to - from);
    const first = (from % perEpoch) * batch;
    for (let i = 0; i < indices.length && first + i < order.length; i++) {
      const row = order[first + i]!;
      const weight = this.#weights?.[row] ?? 1;
      indices[i] = BigInt(row);
      weights[i] = weight;
      const step = Math.floor(i / batch);
      totals[step] = totals[step]! + weight;
    }
    return { indices, weights, totals };
  }

  /** Fisher and Yates, the draws of one stream for each epoch. */
  #orderOf(epoch: number): Uint32Array {
    if (!this.#shuffled) return this.#rows;
    if (epoch === this.#epoch) return this.#order;
    const order = this.#rows.slice();
    const draws = new Philox(this.#seed, SHUFFLE_STREAM + BigInt(epoch)).fillUniform(
      new Float64Array(order.length),
    );
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(draws[i]! * (i + 1));
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    this.#epoch = epoch;
    this.#order = order;
    return order;
  }
}

/** Returns the keys of random numbers of steps `from` to `to - 1`, [steps, count]: Philox of (seed, step, index). */
export function stepKeys(seed: number, from: number, to: number, count: number): Uint32Array {
  const keys = new Uint32Array((to - from) * count);
  const words = new Uint32Array(4);
  for (let i = 0; i < keys.length; i++) {
    const step = from + Math.floor(i / count);
    // The last counter word keeps these apart from the streams of shuffles and first values.
    philox4x32(step, i % count, 0, 0x64726f70, seed, Math.floor(seed / 2 ** 32), words);
    keys[i] = words[0]!;
  }
  return keys;
}
