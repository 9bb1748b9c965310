// Kernels that measure the machine itself: what the roofline compares all others with.
import { input, int, number, output } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';

/** `out = b + scalar c`: the memory bandwidth that a kernel can have. */
export const triad = defineKernel({
  id: 'triad',
  family: 'system',
  title: 'STREAM triad',
  about:
    '`out = b + scalar c`, on all threads; vectors that no cache holds are written past the caches. Arithmetic follows IEEE 754, NaN included.',
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes: { length: { about: 'elements of each vector' } },
  options: { scalar: number({ default: 3, unit: '' }) },
  arrays: { b: input(['length']), c: input(['length']), out: output(['length']) },
  tolerance: { f64: 0, f32: 0, why: 'the same two operations on each element' },
  flops: '2 * length',
  complexity: 'O(length)',
  source: 'McCalpin 1995, Memory Bandwidth and Machine Balance in Current High Performance Computers',
  example: { length: 1000 },
});

/** Fused multiply-adds on registers alone: the arithmetic that a kernel can have. */
export const fmaChains = defineKernel({
  id: 'fma_chains',
  family: 'system',
  title: 'Chains of fused multiply-adds',
  about:
    'Iterates `x = scale x + shift` in independent chains, each from another number below 2, that never leave the registers, on all threads: 2^20 steps a round, all chains ' +
    'together. `out` holds the mean of the chains after each round, shift / (1 - scale) but for rounding. NaN never occurs.',
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes: {},
  options: {
    rounds: int({ min: 1, max: 65_536, unit: 'rounds of 2^20 steps' }),
    scale: number({ min: -0.5, max: 0.5, default: 0.5, unit: '' }),
    shift: number({ min: -1, max: 1, default: 0.5, unit: '' }),
  },
  arrays: { out: output(['rounds']) },
  tolerance: {
    f64: 1e-15,
    f32: 1e-6,
    why: 'a fused step rounds once, a plain one twice; the chain forgets half of an error in each step',
  },
  flops: 'rounds * 2097152',
  complexity: 'O(rounds)',
  source: 'Williams, Waterman, Patterson 2009, Roofline: peak arithmetic by independent register chains',
  example: { rounds: 2 },
});
