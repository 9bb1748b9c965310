// Which arm of an experiment a key gets: a function of the experiment and the key, stored nowhere.

/** Parts that the keys of an experiment are divided into; a share is a multiple of one of them. */
export const BUCKETS = 10_000;

const TWO_POW_32 = 4_294_967_296;

/** Returns the seed of an experiment: two experiments divide the same keys independently of each other. */
export function seedOf(experiment: string): number {
  return Bun.hash.xxHash32(experiment, 0);
}

/** Returns the part that a key belongs to, from 0 to {@link BUCKETS} - 1: xxHash32 of its UTF-8 bytes, scaled. */
export function bucketOf(seed: number, key: string): number {
  return Math.floor((Bun.hash.xxHash32(key, seed) / TWO_POW_32) * BUCKETS);
}

/**
 * Returns how many parts each weight gets; they add up to {@link BUCKETS}. Weights are at least 0 and not all 0; what is left after
 * rounding down goes to the largest remainders, the first arm first among equal ones.
 */
export function quotasOf(weights: readonly number[]): number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const exact = weights.map((weight) => (weight / sum) * BUCKETS);
  const quotas = exact.map((parts) => Math.floor(parts + 1e-9));
  const rest = (arm: number) => exact[arm]! - quotas[arm]!;
  const order = quotas.map((_, arm) => arm).sort((a, b) => rest(b) - rest(a) || a - b);
  let left = BUCKETS - quotas.reduce((total, parts) => total + parts, 0);
  for (const arm of order) {
    if (left <= 0) break;
    if (weights[arm] === 0) continue;
    quotas[arm]!++;
    left--;
  }
  return quotas;
}

/**
 * Returns the arm of each part under the first weights of `history`, then as each later entry changes it. A change moves as many parts as
 * the shares differ by, and no others: arms that shrink give up parts, arms that grow take them. Of two arms the table depends on the
 * last weights alone, so that a share that goes up and down again gets its keys back.
 */
export function tableOf(history: readonly (readonly number[])[]): Uint8Array {
  const table = new Uint8Array(BUCKETS);
  let at = 0;
  for (const [arm, parts] of quotasOf(history[0]!).entries()) {
    table.fill(arm, at, at + parts);
    at += parts;
  }
  for (const weights of history.slice(1)) move(table, quotasOf(weights));
  return table;
}

function move(table: Uint8Array, quotas: readonly number[]): void {
  const held = quotas.map(() => 0);
  for (const arm of table) held[arm]!++;
  const free: number[] = [];
  for (const [arm, quota] of quotas.entries()) {
    let surplus = held[arm]! - quota;
    // The first arm gives from its end and the others from their begin: two arms stay two stretches.
    for (let i = 0; i < BUCKETS && surplus > 0; i++) {
      const bucket = arm === 0 ? BUCKETS - 1 - i : i;
      if (table[bucket] !== arm) continue;
      free.push(bucket);
      surplus--;
    }
  }
  free.sort((a, b) => a - b);
  for (const [arm, quota] of quotas.entries()) {
    for (let lacks = quota - held[arm]!; lacks > 0; lacks--) table[free.shift()!] = arm;
  }
}

/** The arms of one experiment at one moment. */
export class Split {
  readonly #seed: number;
  readonly #table: Uint8Array;

  /** `history` has the weights of the arms, one list for each change, oldest first. */
  constructor(experiment: string, history: readonly (readonly number[])[]) {
    this.#seed = seedOf(experiment);
    this.#table = tableOf(history);
  }

  /** Returns the index of the arm of a key: the same for the same key until its part moves. */
  armOf(key: string): number {
    return this.#table[bucketOf(this.#seed, key)]!;
  }
}
