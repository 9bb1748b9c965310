// Inputs that the generic models read, each a formula of the numbers that the published bodies post.

/** One input: the posted names that it is made of, and how. */
export interface DerivedInput {
  readonly name: string;
  readonly of: readonly (keyof typeof POSTED_INPUTS)[];
  /** In the names of `of`. */
  readonly formula: string;
  readonly meaning: string;
  readonly unit: string;
  readonly compute: (...values: number[]) => number;
}

/** What a published body of signals posts for each symbol, by the names that formulas use. */
export const POSTED_INPUTS = {
  price_data: 'price now',
  volume: 'volume of the newest bar, in units of the instrument',
  rsi: 'relative strength index of 14 bars, 0 to 100',
  macd: 'MACD line of 12 and 26 bars, in units of the price',
} as const;

/** Inputs of the generic models, in the order of their graphs. All are smooth, so that every posted number counts. */
export const SIGNAL_INPUTS: readonly DerivedInput[] = [
  {
    name: 'rsi_centred',
    of: ['rsi'],
    formula: 'rsi / 100 - 0.5',
    meaning: 'relative strength, around 0',
    unit: 'share',
    compute: (rsi) => rsi! / 100 - 0.5,
  },
  {
    name: 'rsi_extremity',
    of: ['rsi'],
    formula: '(rsi / 100 - 0.5) ^ 2',
    meaning: 'how far relative strength is from its middle',
    unit: 'share squared',
    compute: (rsi) => (rsi! / 100 - 0.5) ** 2,
  },
  {
    name: 'macd_to_price',
    of: ['macd', 'price_data'],
    formula: '100 * macd / price_data',
    meaning: 'trend',
    unit: 'percent of the price',
    compute: (macd, price) => (100 * macd!) / price!,
  },
  {
    name: 'log_macd_size',
    of: ['macd', 'price_data'],
    formula: 'log10(0.00001 + abs(macd / price_data))',
    meaning: 'how large moves are',
    unit: 'powers of ten',
    compute: (macd, price) => Math.log10(1e-5 + Math.abs(macd! / price!)),
  },
  {
    name: 'log_turnover',
    of: ['price_data', 'volume'],
    formula: 'log10(1 + price_data * volume)',
    meaning: 'turnover of the newest bar',
    unit: 'powers of ten of US dollars',
    compute: (price, volume) => Math.log10(1 + price! * volume!),
  },
];

const BY_NAME = new Map(SIGNAL_INPUTS.map((input) => [input.name, input]));

/**
 * Returns an input by its formula, of the numbers that `read` gives; undefined for another name, and where a number is missing or the
 * formula makes none of them (a price of 0).
 */
export function derivedInput(name: string, read: (name: string) => number | undefined): number | undefined {
  const input = BY_NAME.get(name);
  const values = input?.of.map(read);
  if (!values || values.includes(undefined)) return undefined;
  const value = Math.fround(input!.compute(...(values as number[])));
  return Number.isFinite(value) ? value : undefined;
}
