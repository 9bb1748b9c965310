// Random numbers of tests of drift: Philox, the same for the same seed.
import { philox4x32 } from '../../core/philox.ts';

/** Returns numbers in [0, 1). */
export function uniformStream(seed: number): () => number {
  const words = new Uint32Array(4);
  let block = 0;
  let at = 4;
  return () => {
    if (at === 4) {
      philox4x32(block++, 0, 0, 0, seed, 0, words);
      at = 0;
    }
    return words[at++]! / 2 ** 32;
  };
}

/** Returns standard normal numbers (Box and Muller). */
export function normalStream(seed: number): () => number {
  const random = uniformStream(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
