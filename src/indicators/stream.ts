// Runs an indicator: bar by bar (`open`) or over whole arrays (`compute`), both through the same step.
import { InvariantError, NonFiniteInputError, ShapeMismatchError } from '../core/errors.ts';
import {
  type IndicatorDef,
  type InputName,
  type OptionSpecs,
  type OptionValues,
  type Step,
  warmupOf,
} from './define.ts';
import { parseOptions } from './options.ts';

/** An indicator that follows a live series, one bar at a time; `update` allocates nothing. */
export class Stream<I extends InputName = InputName> {
  /** Output names, in the order of the numbers that `update` and `peek` return. */
  readonly outputs: readonly string[];
  /** Bars before the first value. */
  readonly warmup: number;
  readonly #step: Step<I>;
  readonly #inputs: readonly I[];
  readonly #saved: Float64Array;
  readonly #values: Float64Array;
  readonly #peeked: Float64Array;

  constructor(step: Step<I>, inputs: readonly I[], outputs: readonly string[], warmup: number) {
    this.outputs = outputs;
    this.warmup = warmup;
    this.#step = step;
    this.#inputs = inputs;
    this.#saved = new Float64Array(step.state.length);
    this.#values = new Float64Array(outputs.length).fill(Number.NaN);
    this.#peeked = new Float64Array(outputs.length);
  }

  /**
   * Takes one closed bar and returns its values, one per output, NaN before warm-up. The array is reused by the next
   * `update`. Costs O(1), for `bollinger` O(period).
   * @throws NonFiniteInputError when an input is NaN or infinite; nothing is remembered of such a bar.
   */
  update(bar: Readonly<Record<I, number>>): Float64Array {
    this.#check(bar);
    this.#step.update(bar);
    this.#values.set(this.#step.values);
    return this.#values;
  }

  /**
   * Returns what `update` would return for a bar that is still forming, and remembers nothing of it. The array is
   * reused by the next `peek`.
   * @throws NonFiniteInputError when an input is NaN or infinite.
   */
  peek(bar: Readonly<Record<I, number>>): Float64Array {
    this.#check(bar);
    const step = this.#step;
    this.#saved.set(step.state);
    step.update(bar);
    this.#peeked.set(step.values);
    step.state.set(this.#saved);
    return this.#peeked;
  }

  #check(bar: Readonly<Record<I, number>>): void {
    for (let i = 0; i < this.#inputs.length; i++) {
      const input = this.#inputs[i] as I;
      if (!Number.isFinite(bar[input])) throw nonFinite(input, `/${input}`);
    }
  }
}

/**
 * Returns a stream of an indicator that has seen no bar yet.
 * @throws InvalidOptionError when an option is unknown, out of range or contradicts another.
 */
export function open<O extends OptionSpecs, K extends string, I extends InputName>(
  def: IndicatorDef<O, K, I>,
  options?: Partial<OptionValues<O>>,
): Stream<I> {
  const complete = parseOptions<O, K>(def, options);
  const step = def.create(complete);
  const outputs = Object.keys(def.outputs);
  if (step.values.length !== outputs.length)
    throw new InvariantError(`indicator ${def.name}: outputs and step disagree`);
  return new Stream(step, def.inputs, outputs, warmupOf(def, complete));
}

/**
 * Returns each output over a whole series: `Float64Array` of the inputs' length, oldest bar first, NaN before warm-up
 * (all NaN when the series is not longer than the warm-up). Bit for bit what `open` and `update` give. Inputs beyond
 * those of the definition are not read.
 * @throws InvalidOptionError, ShapeMismatchError (an input absent or of another length), NonFiniteInputError, in this order.
 */
export function compute<O extends OptionSpecs, K extends string, I extends InputName>(
  def: IndicatorDef<O, K, I>,
  options: Partial<OptionValues<O>> | undefined,
  inputs: Readonly<Record<I, Float64Array>>,
): Record<K, Float64Array> {
  const step = def.create(parseOptions<O, K>(def, options));
  const length = checkInputs(def.inputs, inputs);
  const names = Object.keys(def.outputs) as K[];
  const columns = names.map(() => new Float64Array(length));
  const sources = def.inputs.map((input) => inputs[input]);
  const bar = Object.fromEntries(def.inputs.map((input) => [input, 0])) as Record<I, number>;
  for (let row = 0; row < length; row++) {
    for (let i = 0; i < sources.length; i++)
      bar[def.inputs[i] as I] = (sources[i] as Float64Array)[row] as number;
    step.update(bar);
    for (let k = 0; k < columns.length; k++) (columns[k] as Float64Array)[row] = step.values[k] as number;
  }
  return Object.fromEntries(names.map((name, k) => [name, columns[k]])) as Record<K, Float64Array>;
}

function checkInputs<I extends InputName>(
  names: readonly I[],
  inputs: Readonly<Record<I, Float64Array>>,
): number {
  const first = names[0] as I;
  const length = inputs[first]?.length;
  for (const name of names) {
    const received = inputs[name]?.length;
    if (received === undefined || received !== length) {
      const was = received === undefined ? 'missing' : `${received} values`;
      const expected = length === undefined ? 'an array of numbers' : `${length} values, as in ${first}`;
      throw new ShapeMismatchError(`Expected ${expected} for ${name}, was ${was}`, [
        { pointer: `/inputs/${name}`, expected, received: was },
      ]);
    }
  }
  for (const name of names) {
    const bad = inputs[name].findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw nonFinite(name, `/inputs/${name}/${bad}`);
  }
  return length as number;
}

function nonFinite(name: string, pointer: string): NonFiniteInputError {
  return new NonFiniteInputError(`Expected a finite number for ${name}, was not finite`, [
    { pointer, expected: 'a finite number', received: 'not finite' },
  ]);
}
