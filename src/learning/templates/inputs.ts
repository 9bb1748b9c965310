// Inputs that the generic models read, each a formula of the numbers that the published bodies post.

/** One input: the posted names that it is made of, and how. */
export interface DerivedInput {
  readonly name: string;
  readonly of: readonly string[];
  /** In the names of `of`. */
  readonly formula: string;
  readonly meaning: string;
  readonly unit: string;
  readonly compute: (...values: number[]) => number;
}

/** What a published body of signals holds for each symbol. */
export const POSTED_INPUTS = ['price_data', 'volume', 'rsi', 'macd'] as const;

/** Inputs of the generic models, in the order of their graphs. */
export const SIGNAL_INPUTS: readonly DerivedInput[] = [
  {
    name: 'rsi_centred',
    of: ['rsi'],
    formula: 'rsi / 100 - 0.5',
    meaning: 'relative strength index of 14 bars, around 0',
    unit: 'share',
    compute: (rsi) => rsi! / 100 - 0.5,
  },
  {
    name: 'macd_to_price',
    of: ['macd', 'price_data'],
    formula: '100 * macd / price_data',
    meaning: 'MACD line of 12 and 26 bars as a share of the price',
    unit: 'percent',
    compute: (macd, price) => (100 * macd!) / price!,
  },
  {
    name: 'log_turnover',
    of: ['price_data', 'volume'],
    formula: 'log10(1 + price_data * volume)',
    meaning: 'turnover of the bar in the currency of the price',
    unit: 'powers of ten',
    compute: (price, volume) => Math.log10(1 + price! * volume!),
  },
];

const BY_NAME = new Map(SIGNAL_INPUTS.map((input) => [input.name, input]));

/** Returns an input by its formula, of the numbers that `read` gives; undefined for another name, or where a number is missing or makes none. */
export function derivedInput(name: string, read: (name: string) => number | undefined): number | undefined {
  const input = BY_NAME.get(name);
  const values = input?.of.map(read);
  if (!values || values.includes(undefined)) return undefined;
  const value = input!.compute(...(values as number[]));
  return Number.isFinite(value) ? value : undefined;
}
