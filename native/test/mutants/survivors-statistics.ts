// Mistakes in the statistics kernels that change no number, with the reason.
import type { Reason } from './reason.ts';

export const STATISTICS: readonly Reason[] = [
  {
    matches: ({ line, original }) =>
      /max\((?:half_far|far_[xy]), fabs\(0\.5f \* /.test(line) && ['0.5f', ' - '].includes(original),
    why: 'only the scale comes from it: at most three times too small, at most that of the level, whose distances, 2^-24 of it, have powers within f32',
  },
  {
    matches: ({ unit, original, line }) => unit === 'SumOrMean' && line === 'uint n = 0;' && original === '0',
    why: 'written before it is read',
  },
  {
    matches: ({ unit, line }) => unit === 'QuantileOf' && /^uint (?:smallest|largest) = 0;$/.test(line),
    why: 'written before it is read',
  },
  {
    matches: ({ unit, line, original }) =>
      (unit === 'ExtremeOf' && line === 'uint best = kLargest ? 0u : UINT_MAX;' && original === '0u') ||
      (unit === 'CountOf' && line === 'largest = 0;' && original === '0'),
    why: 'the key of a finite number is 2^23 or more, and without one there is no answer',
  },
  {
    matches: ({ unit, line }) => unit === 'CountOf' && line === 'largest = max(largest, key);',
    why: 'from 0 a search goes through all keys, modulo 2^32: more rounds, the same value',
  },
  {
    matches: ({ line, original }) =>
      line === 'const uint middle = low + (high - low) / 2;' && original === '2',
    why: 'thirds instead of halves: more rounds, the same place',
  },
  {
    matches: ({ line, original }) => line === 'wide::Num power[kPowers - 1];' && original === ' - ',
    why: 'room that nobody uses',
  },
  {
    matches: ({ file, line, original }) =>
      file.includes('/statistics_') &&
      /wide::OfCount\(max\((?:origin\.|m\.)?n, 1u\)\)/.test(line) &&
      original === '1u',
    why: 'a value that is alone is the origin: its distance is 0, by any count',
  },
  {
    matches: ({ unit, line }) => unit === 'FindOrigins' && line === 'm.x.value = m.y.value = 0.0f;',
    why: 'without a pair in the window there is no answer',
  },
  {
    matches: ({ file, line, original }) =>
      file.endsWith('statistics_pairs.metal') &&
      /\bWithin\((?:0\.0f|-1\.0f), 1\.0f, /.test(line) &&
      original === '1.0f',
    why: 'a quotient of twice the precision is at most the last bit beyond 1, within the tolerance',
  },
  {
    matches: ({ unit, line, text }) =>
      unit === 'Div' && line === 'return Ordered(both.hi, both.lo + rest.hi / b.hi);' && text === ' - ',
    why: 'the third part of the quotient: 2^-48 of it',
  },
  {
    matches: ({ file, unit, line, original }) =>
      file.endsWith('statistics_wide.metal') &&
      unit === 'Sqrt' &&
      ((line === 'if (!(root > 0.0f)) return Of(root);' && original === '0.0f') ||
        (line.startsWith('return Ordered(root, rest.hi') && ['2.0f', ' * '].includes(original))),
    why: 'the second part of a root is half a unit of f32, of which the tolerance has several',
  },
  {
    matches: ({ unit, line, original }) =>
      unit === 'Rounded' && line === 'if (surplus <= 0) {' && original === ' <= ',
    why: 'at 0 nothing is left below, so that the rest is 0 and no half: the mantissa stays',
  },
  {
    matches: ({ unit, original }) => unit === 'Rounded' && original === '53',
    why: '2^53 2^e is 2^52 2^(e + 1): ToFloat adds the carry to the exponent, and sums, products and comparisons take either',
  },
  {
    matches: ({ unit, line, original }) =>
      unit === 'IsSmaller' && line.startsWith('return a.exponent != b.exponent ?') && original === ' < ',
    why: 'exponents are compared only where they differ (a test notices the comparison of the mantissas)',
  },
  {
    matches: ({ unit, line, original }) =>
      unit === 'IsLess' && line.startsWith('const bool below_b') && original === '0',
    why: 'of two numbers of which neither is below 0 the second is -0 then: the first is not less either way',
  },
  {
    matches: ({ file, unit, line, original }) =>
      file.endsWith('statistics_exact.metal') &&
      ((unit === 'Add' && /^if \([ab]\.mantissa == 0\)/.test(line)) ||
        (unit === 'Mul' && line.startsWith('if (a.mantissa == 0 ||')) ||
        (unit === 'SplitWhole' && line === 'if (a.mantissa == 0) return 0;')) &&
      ['0', ' || '].includes(original),
    why: 'a short cut: what follows gives the same of a mantissa of 0, and no mantissa is 1',
  },
  {
    matches: ({ unit, line, text }) => unit === 'Add' && line.endsWith('shifted |= 1;') && text === '2',
    why: 'of ten bits below the last one, either of the lowest two says that something is left',
  },
  {
    matches: ({ unit, line, original, text }) =>
      unit === 'Mul' &&
      line.startsWith('const bool more = (rest & ') &&
      ['44 45', '1 2'].includes(`${original} ${text}`),
    why: 'one bit more, the last of `mantissa`, which is 0 where `more` is asked for (a test notices one bit less)',
  },
  {
    matches: ({ unit, line, original }) =>
      unit === 'Quotient' &&
      line.startsWith('const bool more = (left << 28)') &&
      ['28', ' - ', ' * ', '0'].includes(original),
    why: 'asked only where the quotient ends in a half: it is even, so that no remainder is 1, and of two numbers of 24 bits none is exactly that, so that no remainder is 0',
  },
  {
    matches: ({ unit, line, original }) =>
      unit === 'ToFloat' && line.includes(' = top >= -126 ? ') && original === ' >= ',
    why: 'at -126 both sides are the same',
  },
  {
    matches: ({ unit, line, original }) =>
      unit === 'SplitWhole' && line.startsWith('if (a.exponent >= 0)') && ['0', ' >= '].includes(original),
    why: 'at 0 both ways give the number itself, and no number up to 2^32 has such an exponent',
  },
  {
    matches: ({ unit, line, original, text }) =>
      unit === 'FromKey' &&
      line.startsWith('const uint bits = key >= 0x80000000u ? ') &&
      (original === ' >= ' || (original === ' - ' && text === ' + ')),
    why: 'less 2^31 and plus 2^31 are the same modulo 2^32 (tests notice the other sign), and the key of 0 is that of -0',
  },
  {
    matches: ({ line, original }) => line === 'for (uint shift = 32; shift > 0;) {' && original === '0',
    why: 'shifts are multiples of 8',
  },
  {
    // Tests notice when one of the other two barriers of this function is missing.
    matches: ({ unit, line, original }) =>
      unit === 'SelectTwo' &&
      original.includes('simdgroup_barrier(') &&
      (line.startsWith('value = value << 8 | DigitAt(') || original === line),
    why: 'the sums of DigitAt need what every lane has read, so that no lane clears the counts before',
  },
  {
    matches: ({ unit, line, original }) =>
      unit === 'cross_winsorise_f32' && line === 'if (n > 0) {' && original === ' > ',
    why: 'without a value nothing is clipped',
  },
  {
    matches: ({ line, text }) =>
      /^threadgroup (?:uint keys|atomic_uint (?:bins|all_bins|table))\[/.test(line) && text.endsWith(' + 1]'),
    why: 'room that nobody uses',
  },
  {
    matches: ({ line, text }) =>
      /^threadgroup (?:uint keys|atomic_uint (?:bins|all_bins|table))\[/.test(line) && text.endsWith(' - 1]'),
    why: 'the last place lies beyond the array, but within the next multiple of 16 bytes, where the kernel has nothing else and the double no guard',
  },
  {
    matches: ({ unit, line, original }) =>
      unit === 'PlaceOf' &&
      ((line.startsWith('for (uint first = 0; first < p.columns;') && original === ' < ') ||
        (line === 'const uint end = min(kGroup, p.columns - first);' && original === ' - ')),
    why: 'keys beyond the row are those of NaN in later columns, which count nowhere; a part beyond it has none',
  },
  {
    matches: ({ unit, line, original }) =>
      unit === 'cross_zscore_f32' && line === 'first_finite = min(first_finite, i);' && original === ' min(',
    why: 'the origin is 0 then: the sum of whole units of f32 is exact in twice the precision, and distances keep 24 bits',
  },
  {
    matches: ({ unit, line, original }) =>
      unit === 'cross_zscore_f32' &&
      line.startsWith('origin.value = first_finite < p.series') &&
      original === '0.0f',
    why: 'without a value there is no score',
  },
  {
    matches: ({ unit, line, original }) =>
      unit === 'cross_zscore_f32' &&
      ((line.startsWith('const bool has = ') && original === ' > ') ||
        (line.includes('has ? n - p.ddof : 1u') && original === '1u')),
    why: 'a score by 0 values, or of values that are all the same, is 0 / 0 or a division by 0 in two parts: NaN, as without a score',
  },
  {
    matches: ({ unit, line, text }) =>
      unit === 'State' && line === 'fade = wide::Of(1.0f);' && text === '2.0f',
    why: 'in Clear: it multiplies weights of 0 (tests notice the same line in Take)',
  },
  {
    matches: ({ unit, line, original }) =>
      unit === 'State' &&
      line.startsWith('const wide::Num fresh = Split(is_first ?') &&
      /^[01]\.0f$/.test(original),
    why: 'the first value has all of the weight, however much that is',
  },
  {
    matches: ({ unit, line, original }) =>
      unit === 'State' &&
      line.startsWith('if (fade.hi < kFaded && p.keep > 0.0f)') &&
      (original === ' < ' || original === ' > '),
    why: '2^-60 of a weight is nothing beside a new one, nor is half of it; and 0 stays 0',
  },
  {
    matches: ({ unit, line, original }) =>
      unit === 'State' && line === 'if (!(cross.hi > 0.0f)) return NAN;' && original === ' > ',
    why: 'a division by 0 in two parts is NaN',
  },
  {
    matches: ({ unit, line, original }) =>
      unit === 'Go' && line === 'if (p.first_bar > 0) {' && original === ' > ',
    why: 'memory of the device begins at 0, as Clear leaves it but for a factor of weights of 0',
  },
  {
    matches: ({ unit, line }) => unit === 'Worst' && line === 'low = 0.0f;',
    why: 'read only when a fall was seen, which writes it',
  },
  {
    matches: ({ unit, line, text }) =>
      unit === 'max_drawdown_f32' && line === 'worst.seen = 1;' && text === '2',
    why: 'it is only asked whether it is 0',
  },
  {
    matches: ({ unit, line, original }) =>
      unit === 'histogram_f32' &&
      line === 'const bool shares = p.bins <= histogram::kTable;' &&
      original === ' <= ',
    why: 'memory of the group or of the device: the same counts',
  },
  {
    matches: ({ unit, line, original }) =>
      unit === 'histogram_f32' && line.startsWith('if (own > 0) atomic_fetch_add') && original === ' > ',
    why: 'adds 0',
  },
];
