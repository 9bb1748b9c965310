// Mistakes that change no number in simulations, matrix products, learning, portfolios and steps of indicators.
import type { Reason } from './reason.ts';

/** As the reasons of survivors.ts, which asks these too. */
export const SIMULATIONS: readonly Reason[] = [
  {
    matches: ({ unit, line, original }) =>
      unit === 'Scaled' && line === 'const int part = whole >> 1;' && original === '1',
    why: 'a quarter and three quarters of an exponent of 150 are within the floats as two halves are',
  },
  {
    matches: ({ file, line, original }) =>
      file.endsWith('montecarlo_portfolio.metal') &&
      line.startsWith('for (uint i = 0; i < p.assets; ++i) own.Set(i') &&
      original === ' < ',
    why: 'costs one more normal, in a row that nobody reads',
  },
  {
    matches: ({ line }) => /^static constant constexpr (?:int kDerived|long kLead) = \d+;$/.test(line),
    why: 'a number of the steps on the CPU, which no kernel reads',
  },
  {
    matches: ({ unit, before, original }) =>
      unit === 'TrueRange' && original === 'hn::Abs(' && before.endsWith('close_before, high)), '),
    why: 'a close below the low is farther from the high, and of that the distance is taken',
  },
  {
    matches: ({ file, line }) => file.endsWith('generated/indicators.metal') && line === 'long rows = 1;',
    why: 'the plan of the host takes its place',
  },
  {
    matches: ({ line, original }) =>
      /^for \(long back = .* > ring\.first; back /.test(line) && original === ' > ',
    why: 'costs one more pass, which writes the first row of a ring: nobody reads it before it is written again',
  },
  {
    matches: ({ file, unit, line, original }) =>
      file.endsWith('generated/indicators.metal') &&
      unit === 'Sar' &&
      (line === 'high = in[0];' || line === 'low = in[1];') &&
      original !== ' = ',
    why:
      'at the first bars of a stop both are written again before they count or lose against the bar itself; ' +
      'what lies behind the array is not guarded',
  },
  {
    matches: ({ file, line, original, text }) =>
      file.endsWith('generated/indicators.metal') &&
      line.startsWith('total = !Bar::kSteady && at.bar == 0 ? in[1]') &&
      original === '1' &&
      text === '2',
    why: 'reads behind the end of an array of the thread, which the double does not guard',
  },
  {
    matches: ({ line, original, text }) =>
      line.startsWith('return x >= -104.0f ? y : 0.0f;') && (original === ' >= ' || text === '105.0f'),
    why: 'exp(-104) is less than half of the smallest f32: 0 either way',
  },
  {
    matches: ({ line, original, text }) =>
      line.startsWith('return x < -104.0f ? -1.0f : z;') && (original === ' < ' || text === '105.0f'),
    why: 'exp(-104) - 1 is -1 in f32 either way',
  },
  {
    matches: ({ line, original }) => line.includes('0.24279078841f, zzzz') && original === '0.24279078841f',
    why: 'its power of z is below 8e-7, so that the logarithm moves by 2e-7 at most, within the tolerance',
  },
  {
    matches: ({ line, original }) => line === 'const float x = fmin(fabs(z), 13.0f);' && original === '13.0f',
    why: 'no normal is beyond 7',
  },
  {
    matches: ({ line, original }) => line === 'return z < 0.0f ? 1.0f - tail : tail;' && original === ' < ',
    why: 'the tail at 0 is one half, and so is 1 less it',
  },
  {
    matches: ({ line, original }) =>
      line.startsWith('return Normalized(product, rest + fma(') && original === ' + ',
    why: 'what it changes is a few 2^-24 of the product, far within the tolerance',
  },
  {
    matches: ({ line, original, text }) =>
      /SimulateGroup<montecarlo::(?:Merton|Heston|LocalVol), 1, 2>/.test(line) &&
      original === '2' &&
      text === '3',
    why: 'eighteen paths by threes, or one more whose figure nobody asks for',
  },
  {
    matches: ({ line, original }) =>
      /^Exact (?:worth|profit) = ExactOf\(0\.0f, 0\.0f\);$/.test(line) && original === '0.0f',
    why: 'of a lane beyond the samples, which is not counted and never the first of its simdgroup',
  },
  {
    matches: ({ line, original }) => line.startsWith('const float slope = counts ?') && original === '0.0f',
    why: 'of a lane beyond the samples, which is not counted and never the first of its simdgroup',
  },
  {
    matches: ({ file, unit, line }) =>
      file.endsWith('montecarlo_basket.metal') && unit === 'BasketSample' && line === 'level.chosen = 0;',
    why: 'with a mean over the steps, slopes are those of the steps, and nobody reads it',
  },
  {
    matches: ({ line, original }) =>
      (line === 'if (control.high > 0.0f)' ||
        line.startsWith('return inner.high > 0.0f ? ExactOf(inner.high')) &&
      original === ' > ',
    why: 'at the bound itself what is added or returned is 0 either way',
  },
  {
    matches: ({ line, text }) =>
      /^threadgroup float (?:numbers|product_\w+)\[/.test(line) && text.endsWith('+ 1]'),
    why: 'room that nobody uses',
  },
  {
    matches: ({ file, line, text }) =>
      (line.startsWith('threadgroup float numbers[') ||
        (file.endsWith('learning_trees.metal') && line.startsWith('threadgroup atomic_uint own['))) &&
      text.endsWith('- 1]'),
    why: 'only a full array needs the last number, which then lies right behind the array: the double does not guard that',
  },
  {
    matches: ({ line, before, original }) =>
      /own\[i\]\.Start\(simd_broadcast_first/.test(line) &&
      before.includes('Start') &&
      (original === '[i]' || original === '0'),
    why: 'a number near the figures that sums are taken from: another one near them, or of another path, does as well',
  },
  {
    matches: ({ line, original }) => line === 'if (p.signs == 2) {' && original === '2',
    why: 'mirrored paths one at a time instead of two: the same paths',
  },
  {
    matches: ({ line, original }) => line === 'if (2 * pair < p.samples) {' && original === ' < ',
    why: 'costs a pair of paths beyond the samples, which is not counted',
  },
  {
    matches: ({ unit, line, original }) =>
      (unit === 'Figures' &&
        line.startsWith('for (uint i = 0; i < kFigures; ++i) of[i] =') &&
        original === ' < ') ||
      (unit === 'SimulateGroup' &&
        line === 'for (uint path = 0; path < 2; ++path) {' &&
        (original === ' < ' || original === '2')) ||
      (line.startsWith('for (uint j = 0; j < 2; ++j) sum[i][j] = make_filled') &&
        (original === ' < ' || original === '2')),
    why: 'writes behind the end of an array of the thread, which the double does not guard',
  },
  {
    matches: ({ unit, line, original }) =>
      unit === 'SimulateGroup' && line === 'for (uint i = 0; i < kFigures; ++i) {' && original === ' < ',
    why: 'no option has a seventh figure, so that the condition inside stops it',
  },
  {
    matches: ({ line, text }) => line === 'float2 both[Process::kFactors];' && text.endsWith('+ 1]'),
    why: 'an array that is one longer holds the same numbers',
  },
  {
    matches: ({ file, line }) => file.endsWith('montecarlo_paths.metal') && line === 'w.variance = 0.0f;',
    why: 'jumps have no barrier between the steps, and a step of local volatility writes it before it is read',
  },
  {
    matches: ({ line, original }) =>
      line.startsWith('survival = product > 0.0f ? survival * stays') && original === ' > ',
    why: 'with a product of 0 a path stays with probability 1 - exp(0), which is 0',
  },
  {
    matches: ({ line, original }) => line.includes('Exp(fmax(exponent, -80.0f))') && original === '80.0f',
    why: '1 less either is 1',
  },
  {
    matches: ({ line, original }) =>
      line.startsWith('while (count < m.thresholds && z[2] >') && original === ' > ',
    why: 'a normal that is a threshold to the last bit: no test meets one, and either number of jumps is as right',
  },
  {
    matches: ({ line, original }) => line.startsWith('next = upper < below ? Log(') && original === ' < ',
    why: 'the logarithm of 1 is 0 too',
  },
  {
    matches: ({ line, original }) =>
      line.startsWith('const float b2 = fmax((two_by_psi - 1.0f) + root,') && original === '0.0f',
    why: 'with psi up to 1.5 it is 1/3 + 2/3 or more',
  },
  {
    matches: ({ line, original }) => line === 'if (psi <= 1.5f) {' && original === ' <= ',
    why: 'at 1.5 itself either scheme has the moments (Andersen 2008: any bound from 1 to 2), and no test meets it',
  },
  {
    matches: ({ line, original }) => line === 'if (fabs(centre) <= 0.425f) {' && original === ' <= ',
    why: 'at the bound both fits have the same seven digits',
  },
  {
    matches: ({ line, original }) =>
      line.startsWith('const float centre = (float(as_type<int>(') &&
      (original === ' + ' || original === '0.5f'),
    why: 'moves a point by 2^-32, within the tolerance of the normal, and only near 0 where a float has that bit',
  },
  {
    matches: ({ line, original }) => line === 'return centre < 0.0f ? -far : far;' && original === ' < ',
    why: 'a centre of 0 took the other branch',
  },
  {
    matches: ({ line }) => line === 'spare = 0.0f;',
    why: 'written before it is read',
  },
  {
    matches: ({ line, original }) =>
      line.startsWith('for (uint position = 0; position < p.positions; position +=') && original === ' < ',
    why: 'costs one more pass over no positions',
  },
  {
    matches: ({ line, original }) =>
      line === 'if (simdgroup != 0 || own >= n) return;' && (original === ' != ' || original === '0'),
    why: 'behind the barrier every simdgroup finds the same parts, and may write the result',
  },
  {
    matches: ({ line, original }) =>
      line.startsWith('if (row >= p.m || (p.lower != 0') && (original === ' >= ' || original === ' || '),
    why: 'there are no more groups than parts, and what is computed above the diagonal is not written',
  },
  {
    matches: ({ line, original }) =>
      line.startsWith('for (uint inner = 0; inner < p.k; inner += gemm::kInner)') && original === ' < ',
    why: 'costs one more pass, over zeros',
  },
];
