// Every kind of feature, for tests that none may be left out of.
import { INDICATORS } from '../../indicators/registry.ts';
import { type FeatureSpec, featureSchema } from './features.ts';

const spec = (given: object): FeatureSpec => featureSchema.parse(given);

/** At least one of every kind; the compiler misses a kind that is not here. */
export const FEATURE_EXAMPLES: Readonly<Record<FeatureSpec['kind'], readonly FeatureSpec[]>> = {
  bars: [spec({ kind: 'bars' })],
  value: [spec({ kind: 'value', column: 'volume', lag: 2 })],
  difference: [spec({ kind: 'difference', column: 'close', periods: 3 })],
  log_return: [spec({ kind: 'log_return', column: 'close', periods: 5 })],
  ratio: [
    spec({ kind: 'ratio', column: 'high', to: 'low' }),
    spec({ kind: 'ratio', column: 'close', to: 'open', lag: 2 }),
  ],
  volatility: [spec({ kind: 'volatility', column: 'close', window: 10 })],
  z_score: [spec({ kind: 'z_score', column: 'volume', window: 12 })],
  indicator: [
    ...INDICATORS.map(({ name }) => spec({ kind: 'indicator', name })),
    spec({ kind: 'indicator', name: 'macd', output: 'histogram', relative: true, lag: 1 }),
    spec({ kind: 'indicator', name: 'sma', options: { period: 5 }, column: 'volume' }),
  ],
  cross_section: [
    spec({ kind: 'cross_section', of: { kind: 'log_return', column: 'close', periods: 4 } }),
    spec({
      kind: 'cross_section',
      method: 'z_score',
      of: { kind: 'indicator', name: 'rsi' },
    }),
  ],
};
