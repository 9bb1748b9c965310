// What an indicator is: one declaration from which options, schema, native row, docs and tests follow.
import { InvariantError } from '../core/errors.ts';
import { evaluate, parseExpression } from './warmup.ts';

/** The columns of a bar that an indicator may read. */
export const INPUTS = ['open', 'high', 'low', 'close', 'volume'] as const;

/** One column of a bar. */
export type InputName = (typeof INPUTS)[number];

/** The numbers of one bar. Prices in quote currency, volume in the unit of its source; all finite. */
export type OhlcvBar = Readonly<Record<InputName, number>>;

/** One option: its kind, its closed range, the value when absent, and its unit in words. */
export interface OptionSpec {
  readonly type: 'int' | 'number';
  readonly min: number;
  readonly max: number;
  readonly default: number;
  readonly unit: string;
}

/** One output: its unit in words and, where the formula bounds it, its closed range. */
export interface OutputSpec {
  readonly unit: string;
  readonly range?: readonly [number, number];
}

/** A condition between options, which a range of one option cannot say. */
export interface OptionRule<O extends OptionSpecs> {
  /** The option that the error points at. */
  readonly option: keyof O & string;
  /** What it has to be, in words that follow "Expected". */
  readonly expected: string;
  holds(options: OptionValues<O>): boolean;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** Option values by name, complete: defaults filled in. */
export type OptionValues<O extends OptionSpecs> = { readonly [K in keyof O]: number };

/** What indicators are for, in the order of the docs. */
export const GROUPS = ['average', 'momentum', 'oscillator', 'trend', 'volatility', 'volume'] as const;

export type IndicatorGroup = (typeof GROUPS)[number];

/** One indicator. See `defineIndicator`. */
export interface IndicatorDef<
  O extends OptionSpecs = OptionSpecs,
  K extends string = string,
  I extends InputName = InputName,
> {
  /** One lower-case word: the same in the folder, URLs, JSON and docs. */
  readonly name: string;
  readonly title: string;
  /** What it is for; also the file of `native/cpu/indicators` that compiles its step, `<name>-inl.h`. */
  readonly group: IndicatorGroup;
  readonly inputs: readonly I[];
  readonly options: O;
  readonly rules?: readonly OptionRule<O>[];
  readonly outputs: Readonly<Record<K, OutputSpec>>;
  /** Bars before the first value, over option names and integers with + - * max min isqrt: `slow + signal - 2`. */
  readonly warmup: string;
  /**
   * What a later start changes. `exact`: nothing, the value depends on a fixed window only. `epsilon`: the order in
   * which a fixed window is summed, hence the last bits. `converging`: values differ, ever less, as a recursion forgets
   * its seed. `pathDependent`: values differ for good, as a total counts from the first bar.
   */
  readonly stability: 'exact' | 'epsilon' | 'converging' | 'pathDependent';
  /** All columns times a power of two give outputs times that power to the power of this, to the last bit. */
  readonly scale: 0 | 1;
  /** Values written from which `auto` takes Metal where it has this indicator; absent: never. */
  readonly metalFrom?: number;
  /** Where the formula is from. */
  readonly source: string;
}

/** An indicator whose options and outputs are known at run time only. */
export type AnyIndicator = IndicatorDef;

/**
 * Checks a definition and returns it, frozen. Unknown keys are refused by its type.
 * @throws InvariantError when a name, a range, a default or the warm-up expression contradicts itself.
 */
export function defineIndicator<
  const O extends OptionSpecs,
  const K extends string,
  const I extends InputName,
>(def: IndicatorDef<O, K, I>): IndicatorDef<O, K, I> {
  const fail = (what: string): never => {
    throw new InvariantError(`indicator ${def.name}: ${what}`);
  };
  if (!/^[a-z][a-z0-9]*$/.test(def.name)) fail('its name is not one lower-case word');
  if (def.inputs.length === 0 || new Set(def.inputs).size !== def.inputs.length)
    fail('inputs are empty or repeat');
  if (def.inputs.some((input) => !INPUTS.includes(input))) fail('an input is not a column of a bar');
  if (Object.keys(def.outputs).length === 0) fail('it has no output');
  for (const [name, option] of Object.entries(def.options)) {
    if (!(option.min <= option.default && option.default <= option.max))
      fail(`default of ${name} out of range`);
    const numbers = [option.min, option.max, option.default];
    if (option.type === 'int' && !numbers.every(Number.isInteger)) fail(`${name} is int with a fraction`);
  }
  const defaults = Object.fromEntries(Object.entries(def.options).map(([name, o]) => [name, o.default]));
  if (!(warmupOf(def, defaults as OptionValues<O>) >= 0))
    fail(`warm-up ${def.warmup} is not a count of bars`);
  return Object.freeze(def);
}

/**
 * Returns how many bars precede the first value, which is the index of the first value.
 * @throws InvariantError when the expression is none, or names something that is no option.
 */
export function warmupOf<O extends OptionSpecs>(
  def: Pick<IndicatorDef<O, never, never>, 'name' | 'warmup'>,
  options: OptionValues<O>,
): number {
  return evaluate(parseExpression(def.warmup), options);
}
