// The native side of indicators: its typed exports, and the state that a run leaves for the next.
import { BackendUnavailableError, InvalidOptionError } from '../core/errors.ts';
import { type FloatArray, loadAddon } from '../native/addon.ts';
import { type BackendOption, backendCode } from '../native/arguments.ts';
import { type Ran, ranOn } from '../native/backend.ts';
import { withToken } from '../native/cancel.ts';
import { fromNative } from '../native/errors.ts';
import { type AnyIndicator, INPUTS, type OptionValues } from './define.ts';

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
  /** 0 auto, 1 CPU, 2 Metal. */
  backend: number,
];

/** What the addon exports for indicators. `indicators` holds the number of each and its options, one after the other. */
export interface IndicatorAddon {
  readonly indicators: () => readonly {
    readonly name: string;
    readonly inputs: readonly string[];
    readonly outputs: number;
    readonly options: readonly { readonly integer: boolean; readonly min: number; readonly max: number }[];
  }[];
  /** Returns the backend that ran. */
  readonly indicatorRun: (...call: RunArguments) => number;
  /** The same off the thread; a `token` that turns from 0 cancels it. */
  readonly indicatorRunAsync: (...call: [...RunArguments, token?: Uint32Array]) => Promise<number>;
  /** Returns a function that takes the row in `memory` ([columns of a bar, outputs, state]) and writes its values. */
  readonly indicatorOpen: (
    indicators: Float64Array,
    series: number,
    memory: FloatArray,
  ) => (firstBar: number) => void;
  readonly indicatorStateLength: (indicators: Float64Array, dtype: 1 | 2, series: number) => number;
}

/**
 * Returns the addon's exports for indicators.
 * @throws BackendUnavailableError when the addon has not been built.
 */
export const indicatorAddon = (): IndicatorAddon => loadAddon() as unknown as IndicatorAddon;

/** An indicator with complete, checked options. */
export type Part = readonly [def: AnyIndicator, options: OptionValues<AnyIndicator['options']>];

const numbers = new Map<string, number>();

// By name rather than by place in the catalogue: an addon that was built before a definition came has another order.
function numberOf(addon: IndicatorAddon, def: AnyIndicator): number {
  if (numbers.size === 0) for (const [at, row] of addon.indicators().entries()) numbers.set(row.name, at);
  const number = numbers.get(def.name);
  if (number === undefined)
    throw new BackendUnavailableError(
      `Expected a native addon that has the indicator ${def.name}, was an older one: run \`bun run build:native\``,
    );
  return number;
}

/**
 * One or several indicators over the same rows of one series or a panel of them, and what they remember between runs.
 * All their work is one native call. It trusts its options; lengths and element types are checked by the addon.
 */
export class IndicatorRun<A extends FloatArray = Float64Array> {
  /** Outputs of all parts together. */
  readonly outputs: number;
  readonly series: number;
  /** What `step` and `peekStep` read: the columns of one bar in the order of `INPUTS`, [INPUTS, series]. */
  readonly row: A;
  /** What they write: [outputs, series]. */
  readonly values: A;
  readonly #addon: IndicatorAddon;
  readonly #indicators: Float64Array;
  readonly #memory: A;
  readonly #state: A;
  #kept: A | undefined;
  #step: ((firstBar: number) => void) | undefined;
  #bars = 0;

  constructor(parts: readonly Part[], series: number, kind: new (length: number) => A) {
    this.#addon = indicatorAddon();
    this.series = series;
    this.outputs = parts.reduce((sum, [def]) => sum + Object.keys(def.outputs).length, 0);
    this.#indicators = Float64Array.from(
      parts.flatMap(([def, options]) => [
        numberOf(this.#addon, def),
        ...Object.keys(def.options).map((name) => options[name] as number),
      ]),
    );
    const dtype = (kind as unknown) === Float32Array ? 1 : 2;
    const length = native(() => this.#addon.indicatorStateLength(this.#indicators, dtype, series));
    const columns = INPUTS.length * series;
    const head = columns + this.outputs * series;
    this.#memory = allocate(kind, head + length);
    this.row = this.#memory.subarray(0, columns) as A;
    this.values = this.#memory.subarray(columns, head) as A;
    this.#state = this.#memory.subarray(head) as A;
  }

  /** Bars taken so far. */
  get bars(): number {
    return this.#bars;
  }

  /**
   * Takes the next `bars` rows and writes their values. `inputs` holds the columns of a bar in the order of `INPUTS`, those
   * that are read at least; `outputs` the outputs in order; each is [bars, series] row-major.
   * @throws NonFiniteInputError when an input is NaN or infinite. Of a single row nothing is remembered then; after more the
   * state is of no use.
   */
  run(bars: number, inputs: Columns<A>, outputs: Columns<A>): void {
    this.runWhole(bars, inputs, outputs, 'cpu');
    this.#bars += bars;
  }

  /**
   * As `run`, of rows that no others follow, so that any backend may take them; returns what ran.
   * @throws BackendUnavailableError also when the asked backend has none of these.
   */
  runWhole(bars: number, inputs: Columns<A>, outputs: Columns<A>, backend: BackendOption = 'auto'): Ran {
    const call = this.#call(bars, inputs, outputs, backend);
    return native(() => ranOn('hwy', this.#addon.indicatorRun(...call)));
  }

  /**
   * Takes the row that stands in `row` and writes its values to `values`: what `run` does for one bar, with less around it.
   * @throws NonFiniteInputError when an input is NaN or infinite; nothing is remembered of such a row.
   */
  step(): void {
    try {
      this.#step ??= this.#addon.indicatorOpen(this.#indicators, this.series, this.#memory);
      this.#step(this.#bars);
    } catch (thrown) {
      throw fromNative(thrown);
    }
    this.#bars++;
  }

  /** Writes to `values` what `step` would write, and remembers nothing of the row. */
  peekStep(): void {
    this.#kept ??= this.#state.slice() as A;
    this.#kept.set(this.#state);
    this.step();
    this.#bars--;
    this.#state.set(this.#kept);
  }

  /**
   * As `runWhole`, off the JavaScript thread. Until it settles neither this object nor the arrays may be used. Rejects with
   * `CancelledError` once `signal` is aborted.
   */
  runWholeAsync(
    bars: number,
    inputs: Columns<A>,
    outputs: Columns<A>,
    backend: BackendOption = 'auto',
    signal?: AbortSignal,
  ): Promise<Ran> {
    const call = this.#call(bars, inputs, outputs, backend);
    return withToken(signal, async (token) =>
      ranOn('hwy', await this.#addon.indicatorRunAsync(...call, token)),
    );
  }

  #call(bars: number, inputs: Columns<A>, outputs: Columns<A>, backend: BackendOption): RunArguments {
    return [
      this.#indicators,
      this.series,
      this.#bars,
      bars,
      this.#state,
      inputs,
      outputs,
      backendCode(backend),
    ];
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
