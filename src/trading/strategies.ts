// Strategies as data plus pure decisions: what each reads, its options, when it wants to be long or flat.
import { z } from 'zod';
import { InvalidOptionError } from '../core/errors.ts';
import { fieldErrors } from '../core/field-errors.ts';
import type { Bar } from '../market/bar.ts';
import { type DecimalInput, dec, positiveDecimalSchema, text, ZERO } from './decimal.ts';
import type { OrderRequest, Side } from './orders.ts';

/** What a strategy wants to hold. */
export type Target = 'long' | 'flat';

/** What a strategy remembers between bars: the target of its last signal; start with `initialState`. */
export interface StrategyState {
  readonly target: Target;
}

export const initialState: StrategyState = { target: 'flat' };

/** A model's answer for one bar: probability that the price rises, and confidence, both in [0, 1]. */
export interface PredictionInput {
  readonly prediction: number;
  readonly confidence: number;
}

/** Everything a decision may look at; a missing, null or NaN feature means "no value yet". */
export interface StrategyInput {
  readonly bar: Bar;
  readonly features: Readonly<Record<string, number | null | undefined>>;
  readonly prediction: PredictionInput | null;
}

/** A change of target and why, in words. The next state is `{ target: signal.target }`. */
export interface Signal {
  readonly target: Target;
  readonly reason: string;
}

/** A strategy defined once: schema, inputs and decision follow from it. `wanted` returns null while it can't tell. */
export interface StrategyDefinition<S extends z.ZodType = z.ZodType> {
  readonly title: string;
  readonly doc: string;
  readonly options: S;
  /** Names of the features that a decision reads. */
  readonly features: (options: z.infer<S>) => readonly string[];
  readonly readsPrediction: boolean;
  readonly wanted: (options: z.infer<S>, state: StrategyState, input: StrategyInput) => Signal | null;
}

const sizing = {
  notional: positiveDecimalSchema.prefault('100000').describe('Size of a long position in quote currency'),
  lot: positiveDecimalSchema
    .prefault('0.001')
    .describe('Quantities are whole multiples of this, in base units'),
};

const probability = z.number().min(0).max(1);
const averages = ['ema_12', 'ema_26', 'ema_50', 'ema_200'] as const;
const periodOf = (name: string) => Number(name.slice('ema_'.length));

const define = <S extends z.ZodType>(definition: StrategyDefinition<S>) => definition;

/** All strategy kinds. A new one is one entry here and its cases in the test, which loops over this table. */
export const strategyDefinitions = {
  'ma-cross': define({
    title: 'Moving-average cross',
    doc: 'Long while the fast average is above the slow one, flat otherwise.',
    options: z
      .strictObject({
        fast: z.enum(averages).default('ema_50').describe('Feature read as the fast average'),
        slow: z.enum(averages).default('ema_200').describe('Feature read as the slow average'),
        ...sizing,
      })
      .refine(({ fast, slow }) => periodOf(fast) < periodOf(slow), {
        path: ['fast'],
        message: 'Expected an average shorter than the slow one',
      }),
    features: ({ fast, slow }) => [fast, slow],
    readsPrediction: false,
    wanted: ({ fast, slow }, _state, { features }) => {
      const [a, b] = [features[fast], features[slow]];
      if (!isNumber(a) || !isNumber(b)) return null;
      if (a > b) return { target: 'long', reason: `${fast} ${a} is above ${slow} ${b}` };
      return { target: 'flat', reason: `${fast} ${a} is not above ${slow} ${b}` };
    },
  }),
  'ml-threshold': define({
    title: 'Prediction threshold',
    doc: 'Enters long when the predicted probability of a rise is above `enter`, leaves when it is below `exit`.',
    options: z
      .strictObject({
        enter: probability.default(0.53).describe('Go long above this probability'),
        exit: probability.default(0.49).describe('Go flat below this probability'),
        min_confidence: probability.default(0).describe('Predictions less sure than this open nothing'),
        ...sizing,
      })
      .refine(({ enter, exit }) => exit <= enter, {
        path: ['exit'],
        message: 'Expected exit not above enter',
      }),
    features: () => [],
    readsPrediction: true,
    wanted: ({ enter, exit, min_confidence }, state, { prediction }) => {
      if (prediction === null || !isNumber(prediction.prediction)) return null;
      const { prediction: p, confidence } = prediction;
      if (p < exit) return { target: 'flat', reason: `probability ${p} is below ${exit}` };
      if (p > enter && confidence >= min_confidence) {
        return { target: 'long', reason: `probability ${p} is above ${enter}` };
      }
      return { target: state.target, reason: 'between the thresholds' };
    },
  }),
};
export type StrategyKind = keyof typeof strategyDefinitions;
export const strategyKinds = Object.keys(strategyDefinitions) as StrategyKind[];

type Sizing = { readonly notional: string; readonly lot: string };

/** A strategy with its options read; immutable and without state of its own. */
export interface Strategy {
  readonly kind: StrategyKind;
  readonly options: Readonly<Record<string, unknown>> & Sizing;
  readonly features: readonly string[];
  readonly readsPrediction: boolean;
  /**
   * Returns a signal when the wanted target differs from the state's, else null; null too while an input has no value.
   * The same arguments always give the same answer.
   */
  decide(state: StrategyState, input: StrategyInput): Signal | null;
  /**
   * Returns the market order that takes `position` (signed base units) to the signal's target, or null when it is there
   * already or the size is below one lot. Going long buys notional / close, rounded down to the lot; a short position is
   * bought back in the same order. Going flat closes the whole position. Throws NonFiniteInputError.
   */
  orderFor(portfolioId: string, signal: Signal, position: DecimalInput, bar: Bar): OrderRequest | null;
}

/** Returns the strategy of this kind. Throws InvalidOptionError when the options break the kind's schema. */
export function createStrategy(kind: StrategyKind, options: unknown = {}): Strategy {
  const definition = strategyDefinitions[kind] as unknown as StrategyDefinition<
    z.ZodType<Strategy['options']>
  >;
  const result = definition.options.safeParse(options);
  if (!result.success) {
    const errors = fieldErrors(result.error.issues, '', options);
    throw new InvalidOptionError(`Expected valid options for the strategy ${kind}`, errors);
  }
  const parsed = result.data;
  return {
    kind,
    options: parsed,
    features: definition.features(parsed),
    readsPrediction: definition.readsPrediction,
    decide(state, input) {
      const wanted = definition.wanted(parsed, state, input);
      return wanted === null || wanted.target === state.target ? null : wanted;
    },
    orderFor: (portfolioId, signal, position, bar) => orderFor(parsed, portfolioId, signal, position, bar),
  };
}

function orderFor(
  { notional, lot }: Sizing,
  portfolioId: string,
  signal: Signal,
  position: DecimalInput,
  bar: Bar,
): OrderRequest | null {
  const held = dec(position);
  const order = (side: Side, quantity: typeof held): OrderRequest | null =>
    quantity.isZero()
      ? null
      : { portfolio_id: portfolioId, symbol: bar.symbol, side, quantity: text(quantity), type: 'market' };
  if (signal.target === 'flat') return order(held.isNegative() ? 'buy' : 'sell', held.abs());
  if (held.gt(ZERO)) return null;
  const lots = dec(notional).div(dec(bar.close).times(lot)).floor();
  return order('buy', lots.times(lot).plus(held.abs()));
}

function isNumber(x: number | null | undefined): x is number {
  return typeof x === 'number' && !Number.isNaN(x);
}
