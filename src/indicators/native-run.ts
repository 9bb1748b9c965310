// The native side of indicators: its typed exports, and the state that a run leaves for the next.
import { InvalidOptionError } from '../core/errors.ts';
import { type FloatArray, loadAddon } from '../native/addon.ts';
import { fromNative } from '../native/errors.ts';
import { CATALOGUE } from './catalogue.ts';
import type { AnyIndicator, OptionValues } from './define.ts';

/** One packed array, or one array for each column or output. */
export type Columns<A extends FloatArray> = A | readonly (FloatArray | undefined)[];

type RunArguments = [
  indicators: Float64Array,
  series: number,
  firstBar: number,
  bars: number,
  state: FloatArray,
  inputs: Columns<FloatArray>,
  outputs: Columns<FloatArray>,
];

/** What the addon exports for indicators. `indicators` holds the number of each and its options, one after the other. */
export interface IndicatorAddon {
  readonly indicators: () => readonly {
    readonly name: string;
    readonly inputs: readonly string[];
    readonly outputs: number;
    readonly options: readonly { readonly integer: boolean; readonly min: number; readonly max: number }[];
  }[];
  readonly indicatorRun: (...call: RunArguments) => void;
  readonly indicatorRunAsync: (...call: RunArguments) => Promise<void>;
  readonly indicatorStateLength: (indicators: Float64Array, dtype: 1 | 2, series: number) => number;
}

/**
 * Returns the addon's exports for indicators.
 * @throws BackendUnavailableError when the addon has not been built.
 */
export const indicatorAddon = (): IndicatorAddon => loadAddon() as unknown as IndicatorAddon;

/** An indicator with complete, checked options. */
export type Part = readonly [def: AnyIndicator, options: OptionValues<AnyIndicator['options']>];

const numbers = new Map<string, number>(CATALOGUE.map((def, at) => [def.name, at]));

/**
 * One or several indicators over the same rows of one series or a panel of them, and what they remember between runs.
 * All their work is one native call. It trusts its options; lengths and element types are checked by the addon.
 */
export class IndicatorRun<A extends FloatArray = Float64Array> {
  /** Outputs of all parts together. */
  readonly outputs: number;
  readonly series: number;
  readonly #addon: IndicatorAddon;
  readonly #indicators: Float64Array;
  readonly #state: A;
  #kept: A | undefined;
  #bars = 0;

  constructor(parts: readonly Part[], series: number, kind: new (length: number) => A) {
    this.#addon = indicatorAddon();
    this.series = series;
    this.outputs = parts.reduce((sum, [def]) => sum + Object.keys(def.outputs).length, 0);
    this.#indicators = Float64Array.from(
      parts.flatMap(([def, options]) => [
        numbers.get(def.name) ?? -1,
        ...Object.keys(def.options).map((name) => options[name] as number),
      ]),
    );
    const dtype = (kind as unknown) === Float32Array ? 1 : 2;
    const length = native(() => this.#addon.indicatorStateLength(this.#indicators, dtype, series));
    this.#state = allocate(kind, length);
  }

  /** Bars taken so far. */
  get bars(): number {
    return this.#bars;
  }

  /**
   * Takes the next `bars` rows and writes their values. `inputs` holds the columns of a bar in the order of `INPUTS`, those
   * that are read at least; `outputs` the outputs in order; each is [bars, series] row-major.
   * @throws NonFiniteInputError when an input is NaN or infinite. Of at most 32 rows nothing is remembered then; after more
   * the state is of no use.
   */
  run(bars: number, inputs: Columns<A>, outputs: Columns<A>): void {
    try {
      this.#addon.indicatorRun(this.#indicators, this.series, this.#bars, bars, this.#state, inputs, outputs);
    } catch (thrown) {
      throw fromNative(thrown);
    }
    this.#bars += bars;
  }

  /** Writes the values of one more row and remembers nothing of it; as `run` otherwise. */
  peek(inputs: Columns<A>, outputs: Columns<A>): void {
    this.#kept ??= this.#state.slice() as A;
    this.#kept.set(this.#state);
    native(() =>
      this.#addon.indicatorRun(
        this.#indicators,
        this.series,
        this.#bars,
        1,
        this.#kept as A,
        inputs,
        outputs,
      ),
    );
  }

  /** As `run`, off the JavaScript thread. Until it settles neither this object nor the arrays may be used. */
  async runAsync(bars: number, inputs: Columns<A>, outputs: Columns<A>): Promise<void> {
    try {
      await this.#addon.indicatorRunAsync(
        this.#indicators,
        this.series,
        this.#bars,
        bars,
        this.#state,
        inputs,
        outputs,
      );
    } catch (thrown) {
      throw fromNative(thrown);
    }
    this.#bars += bars;
  }
}

function native<R>(call: () => R): R {
  try {
    return call();
  } catch (thrown) {
    throw fromNative(thrown);
  }
}

function allocate<A extends FloatArray>(kind: new (length: number) => A, length: number): A {
  try {
    return new kind(length);
  } catch (cause) {
    const error = new InvalidOptionError(
      'Expected options and series whose state fits in memory, was larger',
    );
    error.cause = cause;
    throw error;
  }
}
