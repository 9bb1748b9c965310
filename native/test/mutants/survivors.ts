// Mistakes that change no number, with the reason. What is not here and survives is a test that is missing.
import type { Place, Reason } from './reason.ts';
import { SIMULATIONS } from './survivors-simulations.ts';
import { STATISTICS } from './survivors-statistics.ts';

const FRAME = 'native/metal/kernels/indicator_frame.metal';

const REASONS: readonly Reason[] = [
  ...STATISTICS,
  ...SIMULATIONS,
  {
    matches: ({ file, unit }) => file === FRAME && (unit === 'Max' || unit === 'Min'),
    why: 'of two equal numbers either is the larger',
  },
  {
    matches: ({ line, original }) => line.includes('atomic_store_explicit(broken') && original === '1u',
    why: 'the host only asks whether the flag is 0',
  },
  {
    matches: ({ line, original }) => line.includes('unlike_zero +=') && original === ' += ',
    why: 'less zero or plus zero, and NaN either way',
  },
  {
    matches: ({ line }) => line.includes('Moments<'),
    why: 'one more power of the distances, which nobody reads',
  },
  {
    matches: ({ unit, original }) => unit === 'OfCount' && original === ' - ',
    why: 'counts are below 65,536 wherever windows are, so that the upper part is 0',
  },
  {
    matches: ({ line, original }) => /^int exponent_[xy] = 0;$/.test(line) && original === '0',
    why: 'written before it is read',
  },
  {
    matches: ({ unit, line }) => unit === 'Exponent' && line.includes('fma('),
    why: 'a neighbouring whole number gives the same exponential within the tolerance',
  },
  {
    matches: ({ unit, line, original }) => unit === 'Expm1' && line.includes('0.3465') && original === ' < ',
    why: 'no number of a test is the bound itself, and both sides agree there',
  },
  {
    matches: ({ line, text }) =>
      /^if \(lane [!=]= 0\)/.test(line) && ['0', '1', ' == ', ' != '].includes(text),
    why: 'all lanes have the sum, and any of them may write it',
  },
  {
    matches: ({ line, original }) =>
      /\b(value|sum)\.hi < 0\.0f\) \w+ = wide::Neg/.test(line) && original === ' < ',
    why: 'both zeros are none',
  },
  {
    matches: ({ line }) => line.startsWith('if (row == 0) part_exposures'),
    why: 'each row of threads writes the same exposures',
  },
  {
    matches: ({ line }) => /^held\.(own|base)_return = 0\.0f;/.test(line),
    why: 'any return of a weight of 0 gives 0',
  },
  {
    matches: ({ line, original }) => line.startsWith('const int kind = counts ?') && original === '0',
    why: 'the kind of a limit that is none',
  },
  {
    matches: ({ file, line, original }) =>
      file.endsWith('learning_trees.metal') && (/kC(hunk|ells) = /.test(line) || original === '24'),
    why: 'room for more, a chunk beyond the rows, or a shift of 25 places, which leaves nothing either way',
  },
  {
    matches: ({ line, original, text }) =>
      /^threadgroup (float part_|atomic_uint own\[)/.test(line) &&
      (text.endsWith('+ 1]') || (original === '1' && text === '2')),
    why: 'room that nobody uses',
  },
  {
    matches: ({ line }) => line.includes('by < 32; by = ushort(by * 2)'),
    why: 'the powers of 2 below 32 and below 33 are the same',
  },
  {
    // `float read[3];`, and the constants that are nothing but such a size.
    matches: ({ line, original, text }) =>
      Number(text) === Number(original) + 1 &&
      (/^(?:const )?[\w:<>]+ \w+(?:\[\w+\])+;$/.test(line) || /\bint k(?:Read|Windows) = \d+;$/.test(line)),
    why: 'an array that is one longer holds the same numbers',
  },
  {
    matches: ({ line, original }) => line.includes('kChunk = 4096') && original === '4096',
    why: 'each group takes one value more, and all groups still all of them',
  },
  {
    matches: ({ line, original, text }) =>
      /^if \(lane == 0\) out\[/.test(line) && original === '0' && text === '1',
    why: 'every lane has the answer',
  },
  {
    matches: ({ line }) => line.startsWith('spare = float2(0.0f, 0.0f)'),
    why: 'written before it is read',
  },
  {
    matches: ({ line }) => line.startsWith('return value < -1.0f ? -1.0f : value > 1.0f'),
    why: 'a quotient of twice the precision is at most the last bit beyond 1, within the tolerance',
  },
  {
    matches: ({ line, original }) =>
      original.startsWith('threadgroup_barrier') &&
      /^(?:const (?:uint end = min|ulong start = )|threadgroup_barrier)/.test(line) &&
      /const (?:uint end|ulong start) = /.test(original),
    why: 'the statement that it moved behind reads and writes nothing that threads share',
  },
  {
    matches: ({ line, text }) =>
      (/kPad = 4;/.test(line) && text === '5') ||
      (/k(?:Table|Narrow|Figures) = (?:2048|6);/.test(line) && ['2049', '7'].includes(text)),
    why: 'room for one more, or rows that lie further apart: the host counts by its own number',
  },
  {
    matches: ({ file, line, original }) =>
      file.endsWith('statistics_ewm.metal') && /kCorrelation = 4;/.test(line) && original === '4',
    why: 'the name of a statistic is any number that no other has',
  },
  {
    matches: ({ unit, line }) => unit === 'Origin' && line === 'value = 0.0f;',
    why: 'without a value in the window there is no answer',
  },
  {
    matches: ({ file, line }) => file.endsWith('indicators.metal') && line === 'long rows = 2;',
    why: 'the plan of the host takes its place',
  },
  {
    matches: ({ unit, line }) => unit === 'Zero' && line === 'zero.exponent = 0;',
    why: 'nobody reads the exponent of 0',
  },
  {
    matches: ({ line, text }) => line.includes('fmin(fmax(x, -104.0f), 104.0f)') && text === '105.0f',
    why: 'the exponential is 0 or infinite in f32 beyond either',
  },
  {
    matches: ({ line }) =>
      line === 'return Normalized(sum.high, sum.low + low.low);' ||
      line.startsWith('moved = Sum(grown, log.low'),
    why: 'what it changes is 2^-24 of a path or less, far within the tolerance',
  },
  {
    matches: ({ line, original }) =>
      line === 'return value < low ? low : value > high ? high : value;' &&
      (original === ' < ' || original === ' > '),
    why: 'at the bound itself both sides are the bound',
  },
  {
    matches: ({ file, line, original }) =>
      file.endsWith('statistics_exact.metal') && line === 'int exponent = 0;' && original === '0',
    why: 'written before it is read',
  },
  {
    matches: ({ line }) => line === 'return Ordered(sum.hi, sum.lo + rest.lo);',
    why: 'what is left of the sum of both low parts: 2^-48 of the number',
  },
  {
    matches: ({ file, line, text }) =>
      file.endsWith('statistics_select.metal') && /kGroup = 256;/.test(line) && text === '257',
    why: 'only whole simdgroups of it count',
  },
  {
    matches: ({ line, original }) => /SimulateGroup<montecarlo::Gbm, 1, 2>/.test(line) && /^[12]$/.test(original),
    why: 'how many paths a thread keeps at a time changes no path',
  },
  {
    matches: ({ unit, original }) => unit === 'ExponentOf' && /^12[56]$/.test(original),
    why: 'values are divided by twice or half the power of two: the same digits, and far from the ends of f32 either way',
  },
  {
    matches: ({ unit, original }) => unit === 'ExponentOf' && original === '0',
    why: 'all values are the same: what is divided is 0',
  },
];

/** Returns why a mistake changes no number, if that is known. */
export const explained = (place: Place): string | undefined =>
  REASONS.find(({ matches }) => matches(place))?.why;
