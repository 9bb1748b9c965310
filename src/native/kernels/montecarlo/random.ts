// Random numbers themselves: integers of Philox, normals, Sobol points.
import { choice, flag, int, output, seed } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';

/** The four words of consecutive Philox counters. */
export const philoxUint32 = defineKernel({
  id: 'philox_uint32',
  family: 'montecarlo',
  title: 'Random integers',
  about:
    'Words 0 to 3 of Philox4x32 for the counters {firstBlock + row (two words), stream, 0}; the key is the seed, low word first. Every ' +
    'word depends on its counter and the seed alone.',
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes: { blocks: { about: 'counters, four words each' } },
  options: {
    seed: seed(),
    rounds: choice(['10', '7'], '10', 'of Philox'),
    firstBlock: int({ min: 0, max: Number.MAX_SAFE_INTEGER, default: 0, unit: 'counters' }),
    stream: int({ min: 0, max: 2 ** 32 - 1, default: 0, unit: 'third word of the counter' }),
  },
  arrays: { out: output(['blocks', 4], 'u32') },
  tolerance: { f64: 0, f32: 0, why: 'integers' },
  flops: 'blocks * 80',
  complexity: 'O(blocks)',
  source:
    'Salmon, Moraes, Dror, Shaw 2011, Parallel random numbers: as easy as 1, 2, 3; known answers of Random123',
  example: { blocks: 5 },
});

/** Standard normals of the paths and dimensions that the simulations of this family use. */
export const normals = defineKernel({
  id: 'normals',
  family: 'montecarlo',
  title: 'Standard normals',
  about:
    'Independent standard normals [dimensions, paths] by Box and Muller on Philox words: 55 bits a pair in f32 (reach 6.66), 105 in f64 ' +
    '(8.57). A normal depends on seed, stream, path and dimension alone, so that a longer call begins with the numbers of a shorter one.',
  dtypes: ['f32', 'f64'],
  cpu: 'hwy',
  sizes: {
    dimensions: { about: 'rows, such as steps', max: 2 ** 24 },
    paths: { about: 'columns' },
  },
  options: {
    seed: seed(),
    generator: choice(['philox10', 'philox7'], 'philox10'),
    stream: int({ min: 0, max: 2 ** 32 - 1, default: 0, unit: 'third word of the counter' }),
  },
  arrays: { out: output(['dimensions', 'paths']) },
  tolerance: {
    f64: 1e-14,
    f32: 2e-6,
    why: 'polynomials of the logarithm, sine and cosine, relative to a normal of 6',
  },
  flops: 'dimensions * paths * 22',
  complexity: 'O(dimensions paths)',
  source: 'Box, Muller 1958, A note on the generation of random normal deviates',
  example: { dimensions: 3, paths: 70 },
});

/** Points of the Sobol sequence. */
export const sobol = defineKernel({
  id: 'sobol',
  family: 'montecarlo',
  title: 'Sobol points',
  about:
    'Points [points, dimensions] of the Sobol sequence with the direction numbers of Joe and Kuo, as cell centres (word + 1/2) / 2^32 in ' +
    '(0, 1), or as normals by the inverse distribution function. Point 0 is the origin, points are in natural order, not that of the Gray code. Scrambled by the method of Owen through hashing ' +
    '(Laine and Karras): the seed picks the permutation of digits, copies differ by `copy`.',
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes: {
    points: { about: 'rows', max: 2 ** 31 - 1 },
    dimensions: { about: 'columns', max: 1024 },
  },
  options: {
    scrambled: flag(true),
    seed: seed(),
    copy: int({ min: 0, max: 2 ** 31 - 1, default: 0, unit: 'number of the scrambled copy' }),
    firstPoint: int({ min: 0, max: 2 ** 31 - 1, default: 0, unit: 'points' }),
    normal: flag(false, 'normals in place of points'),
  },
  arrays: { out: output(['points', 'dimensions']) },
  tolerance: { f64: 1e-14, f32: 3e-6, why: 'the inverse distribution function; points are exact' },
  flops: 'points * dimensions * 40',
  complexity: 'O(points dimensions)',
  source:
    'Sobol 1967; Joe, Kuo 2008 (new-joe-kuo-6.21201); Burley 2020, Practical hash-based Owen scrambling; Wichura 1988, AS 241',
  errors: { kInvalidOption: 'firstPoint plus points to be at most 2^32' },
  example: { points: 9, dimensions: 5 },
});
