// Follows a live series or a panel of them with an indicator, bar by bar.
import { InvalidOptionError, NonFiniteInputError } from '../core/errors.ts';
import type { FloatArray } from '../native/index.ts';
import { checkColumns } from './compute.ts';
import {
  type AnyIndicator,
  INPUTS,
  type IndicatorDef,
  type InputName,
  type OptionSpecs,
  type OptionValues,
  warmupOf,
} from './define.ts';
import { IndicatorRun } from './native-run.ts';
import { parseOptions } from './options.ts';

/** An indicator that follows a live series, one bar at a time; `update` allocates nothing. */
export class Stream<I extends InputName = InputName> {
  /** Output names, in the order of the numbers that `update` and `peek` return. */
  readonly outputs: readonly string[];
  /** Bars before the first value. */
  readonly warmup: number;
  readonly #run: IndicatorRun;
  readonly #inputs: readonly I[];
  readonly #places: readonly number[];
  readonly #values: Float64Array;
  readonly #peeked: Float64Array;

  constructor(run: IndicatorRun, inputs: readonly I[], outputs: readonly string[], warmup: number) {
    this.outputs = outputs;
    this.warmup = warmup;
    this.#run = run;
    this.#inputs = inputs;
    this.#places = inputs.map((input) => INPUTS.indexOf(input));
    this.#values = new Float64Array(outputs.length).fill(Number.NaN);
    this.#peeked = new Float64Array(outputs.length);
  }

  /** Bars taken so far. */
  get bars(): number {
    return this.#run.bars;
  }

  /**
   * Takes one closed bar and returns its values, one per output, NaN before warm-up. The array is reused by the next
   * `update`. Costs a native call, O(1) for most indicators; `docs/indicators.md` names those of O(period).
   * @throws NonFiniteInputError when an input is NaN or infinite; nothing is remembered of such a bar.
   */
  update(bar: Readonly<Record<I, number>>): Float64Array {
    this.#take(bar);
    this.#run.step();
    this.#values.set(this.#run.values);
    return this.#values;
  }

  /**
   * Returns what `update` would return for a bar that is still forming, and remembers nothing of it. The array is
   * reused by the next `peek`.
   * @throws NonFiniteInputError when an input is NaN or infinite.
   */
  peek(bar: Readonly<Record<I, number>>): Float64Array {
    this.#take(bar);
    this.#run.peekStep();
    this.#peeked.set(this.#run.values);
    return this.#peeked;
  }

  #take(bar: Readonly<Record<I, number>>): void {
    for (let i = 0; i < this.#inputs.length; i++) {
      const input = this.#inputs[i] as I;
      const value = bar[input];
      if (!Number.isFinite(value)) throw nonFinite(input, `/${input}`);
      this.#run.row[this.#places[i] as number] = value;
    }
  }
}

/**
 * Returns a stream of an indicator that has seen no bar yet.
 * @throws InvalidOptionError when an option is unknown, out of range or contradicts another; BackendUnavailableError.
 */
export function open<O extends OptionSpecs, K extends string, I extends InputName>(
  def: IndicatorDef<O, K, I>,
  options?: Partial<OptionValues<O>>,
): Stream<I> {
  return streamOf(def, parseOptions<O, K>(def, options));
}

/**
 * Returns a stream that has seen `history`, and the values of each output over it. As `compute` and then `open`, in one
 * pass: the stream goes on where the history ends.
 * @throws as `open` and `compute`.
 */
export function openAndFill<O extends OptionSpecs, K extends string, I extends InputName>(
  def: IndicatorDef<O, K, I>,
  options: Partial<OptionValues<O>> | undefined,
  history: Readonly<Record<I, Float64Array>>,
): { stream: Stream<I>; outputs: Record<K, Float64Array> } {
  const complete = parseOptions<O, K>(def, options);
  const bars = checkColumns(def.inputs, history);
  const run = new IndicatorRun([[def as unknown as AnyIndicator, complete]], 1, Float64Array);
  const names = Object.keys(def.outputs) as K[];
  const columns = names.map(() => new Float64Array(bars));
  run.run(
    bars,
    INPUTS.map((input) => (history as Partial<Record<InputName, Float64Array>>)[input]),
    columns,
  );
  const outputs = Object.fromEntries(names.map((name, k) => [name, columns[k]])) as Record<K, Float64Array>;
  return { stream: new Stream(run, def.inputs, names, warmupOf(def, complete)), outputs };
}

/** An indicator that follows a panel of series, one bar of all of them at a time. */
export class PanelStream<A extends FloatArray = Float64Array> {
  /** Output names, in the order of the rows that `update` and `peek` return. */
  readonly outputs: readonly string[];
  /** Bars before the first value. */
  readonly warmup: number;
  readonly series: number;
  readonly #run: IndicatorRun<A>;
  readonly #inputs: readonly InputName[];
  readonly #values: A;
  readonly #peeked: A;

  constructor(run: IndicatorRun<A>, def: AnyIndicator, warmup: number, kind: new (length: number) => A) {
    this.outputs = Object.keys(def.outputs);
    this.warmup = warmup;
    this.series = run.series;
    this.#run = run;
    this.#inputs = def.inputs;
    this.#values = new kind(this.outputs.length * run.series);
    this.#peeked = new kind(this.outputs.length * run.series);
  }

  /** Bars taken so far. */
  get bars(): number {
    return this.#run.bars;
  }

  /**
   * Takes one closed bar of every series, a column of [series] for each input, and returns the values, [outputs, series],
   * NaN before warm-up. The array is reused by the next `update`.
   * @throws ShapeMismatchError, InvalidOptionError (wrong element type), NonFiniteInputError; nothing is remembered then.
   */
  update(row: Readonly<Partial<Record<InputName, A>>>): A {
    this.#take(row);
    this.#run.step();
    this.#values.set(this.#run.values);
    return this.#values;
  }

  /** Returns what `update` would return for a bar that is still forming, and remembers nothing of it. As `update`. */
  peek(row: Readonly<Partial<Record<InputName, A>>>): A {
    this.#take(row);
    this.#run.peekStep();
    this.#peeked.set(this.#run.values);
    return this.#peeked;
  }

  #take(row: Readonly<Partial<Record<InputName, A>>>): void {
    checkColumns(this.#inputs, row as Readonly<Record<InputName, A>>, this.series);
    for (const input of this.#inputs) this.#run.row.set(row[input] as A, INPUTS.indexOf(input) * this.series);
  }
}

/**
 * Returns a stream of an indicator over `series` series that have seen no bar yet. Its values are those of `computePanel`
 * and, for each series, of `open`, bit for bit.
 * @throws InvalidOptionError for a wrong option or count; BackendUnavailableError.
 */
export function openPanel<A extends FloatArray = Float64Array>(
  def: AnyIndicator,
  options: Partial<OptionValues<OptionSpecs>> | undefined,
  series: number,
  kind: new (length: number) => A = Float64Array as unknown as new (
    length: number,
  ) => A,
): PanelStream<A> {
  const complete = parseOptions(def, options);
  if (!Number.isInteger(series) || series < 1 || series > 2 ** 31 - 1)
    throw new InvalidOptionError('Expected an integer from 1 to 2147483647 for series, was another value');
  return new PanelStream(
    new IndicatorRun<A>([[def, complete]], series, kind),
    def,
    warmupOf(def, complete),
    kind,
  );
}

function streamOf<O extends OptionSpecs, K extends string, I extends InputName>(
  def: IndicatorDef<O, K, I>,
  options: OptionValues<O>,
): Stream<I> {
  const run = new IndicatorRun([[def as unknown as AnyIndicator, options]], 1, Float64Array);
  return new Stream(run, def.inputs, Object.keys(def.outputs), warmupOf(def, options));
}

function nonFinite(name: string, pointer: string): NonFiniteInputError {
  return new NonFiniteInputError(`Expected a finite number for ${name}, was not finite`, [
    { pointer, expected: 'a finite number', received: 'not finite' },
  ]);
}
