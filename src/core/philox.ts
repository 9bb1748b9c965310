// Philox4x32-10: a counter-based random generator; any block can be computed alone, in any order, on any thread.

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
/** Weyl increments of the key: the golden ratio and sqrt(3) - 1 as 32-bit fractions. */
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

const TWO_POW_26 = 67_108_864;
const TWO_POW_32 = 4_294_967_296;
const TWO_POW_MINUS_53 = 2 ** -53;

/** Name under which results report this generator. */
export const PHILOX_NAME = 'philox10';

/** Upper 32 bits of the unsigned product; the partial products of 16-bit halves stay exact in 32-bit integers. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const carry = (Math.imul(aLow, bHigh) + (middle & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (carry >>> 16)) | 0;
}

/**
 * Writes the four 32-bit words of one block to `out`. Counter words c0..c3 and key words k0, k1 are 32-bit integers,
 * signed or not. Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC11), section 3.3.
 */
export function philox4x32(
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
  out: Uint32Array,
): void {
  let [a, b, c, d] = [c0 | 0, c1 | 0, c2 | 0, c3 | 0];
  let x = k0 | 0;
  let y = k1 | 0;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = mulHigh(MULTIPLIER_0, a);
    const low0 = Math.imul(MULTIPLIER_0, a);
    const high1 = mulHigh(MULTIPLIER_1, c);
    const low1 = Math.imul(MULTIPLIER_1, c);
    a = high1 ^ b ^ x;
    b = low1;
    c = high0 ^ d ^ y;
    d = low0;
    x = (x + WEYL_0) | 0;
    y = (y + WEYL_1) | 0;
  }
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
}

/** Returns a float64 in [0, 1) with 53 random bits: 27 of `high`, 26 of `low` (unsigned 32-bit words). */
export function uniform(high: number, low: number): number {
  return ((high >>> 5) * TWO_POW_26 + (low >>> 6)) * TWO_POW_MINUS_53;
}

/**
 * Writes two independent standard normals to `out[at]` and `out[at + 1]`, from uniforms in [0, 1): Box and Muller, "A
 * note on the generation of random normal deviates" (1958). 1 - u1 keeps the logarithm finite; |value| <= 8.6.
 */
export function normalPair(u1: number, u2: number, out: Float64Array, at = 0): void {
  const radius = Math.sqrt(-2 * Math.log(1 - u1));
  const angle = 2 * Math.PI * u2;
  out[at] = radius * Math.cos(angle);
  out[at + 1] = radius * Math.sin(angle);
}

/**
 * A stream of random numbers. The key is the 64-bit seed (low word first); counter words 0 and 1 are the block's index,
 * words 2 and 3 the 64-bit stream, so streams of one seed never meet. One block gives two float64: value 2i and 2i + 1
 * of a stream come from block i. Equal seeds and streams give equal bits.
 */
export class Philox {
  readonly #key0: number;
  readonly #key1: number;
  readonly #stream0: number;
  readonly #stream1: number;
  readonly #words = new Uint32Array(4);
  readonly #pair = new Float64Array(2);

  /** Only the low 64 bits of `seed` and `stream` count. Throws RangeError for a number that is not a whole one. */
  constructor(seed: number | bigint, stream: number | bigint = 0) {
    [this.#key0, this.#key1] = words(seed);
    [this.#stream0, this.#stream1] = words(stream);
  }

  /** Fills `out` with uniforms in [0, 1): values `from`, `from + 1`, ... of the stream. `from` is even. Returns `out`. */
  fillUniform<B extends ArrayBufferLike>(out: Float64Array<B>, from = 0): Float64Array<B> {
    return this.#fill(out, from, false);
  }

  /** Fills `out` with standard normals: values `from`, `from + 1`, ... of the stream. `from` is even. Returns `out`. */
  fillNormal<B extends ArrayBufferLike>(out: Float64Array<B>, from = 0): Float64Array<B> {
    return this.#fill(out, from, true);
  }

  #fill<B extends ArrayBufferLike>(out: Float64Array<B>, from: number, normal: boolean): Float64Array<B> {
    if (!Number.isSafeInteger(from) || from < 0 || from % 2 !== 0) {
      throw new RangeError('Expected an even index of at least 0 for from');
    }
    const w = this.#words;
    const pair = this.#pair;
    for (let i = 0; i < out.length; i += 2) {
      const block = (from + i) / 2;
      philox4x32(block, block / TWO_POW_32, this.#stream0, this.#stream1, this.#key0, this.#key1, w);
      pair[0] = uniform(w[0]!, w[1]!);
      pair[1] = uniform(w[2]!, w[3]!);
      if (normal) normalPair(pair[0]!, pair[1]!, pair);
      out[i] = pair[0]!;
      // An odd length drops the second value of its last block; a typed array ignores the write past its end.
      out[i + 1] = pair[1]!;
    }
    return out;
  }
}

function words(x: number | bigint): [number, number] {
  const bits = BigInt.asUintN(64, BigInt(x));
  return [Number(bits & 0xffffffffn), Number(bits >> 32n)];
}
