// Random numbers of trials: one stream for each purpose and number, drawn one after the other.
import { normalPair, Philox } from '../../../core/philox.ts';

/** What a stream of random numbers is for; numbers of trials leave 2^32 streams for each. */
const STREAMS = { point: 0, order: 1, tpe: 2, cma: 3 } as const;

/** Returns the random numbers of trial `number` for one purpose: the same on every machine and whatever was drawn before. */
export function streamOf(seed: number, purpose: keyof typeof STREAMS, number: number): Philox {
  return new Philox(seed, STREAMS[purpose] * 2 ** 32 + number);
}

const AT_A_TIME = 64;

/** Takes random numbers off a stream, as many as are needed. */
export class Draws {
  readonly #stream: Philox;
  readonly #block = new Float64Array(AT_A_TIME);
  readonly #pair = new Float64Array(2);
  #taken = 0;
  #other: number | undefined;

  constructor(stream: Philox) {
    this.#stream = stream;
  }

  /** Returns the next number, in [0, 1). */
  uniform(): number {
    const at = this.#taken % AT_A_TIME;
    if (at === 0) this.#stream.fillUniform(this.#block, this.#taken);
    this.#taken++;
    return this.#block[at]!;
  }

  /** Returns the next standard normal. */
  normal(): number {
    const other = this.#other;
    if (other !== undefined) {
      this.#other = undefined;
      return other;
    }
    normalPair(this.uniform(), this.uniform(), this.#pair);
    this.#other = this.#pair[1]!;
    return this.#pair[0]!;
  }
}
