// Runs an indicator over whole arrays: one series, or a panel of them.
import { InvalidOptionError, NonFiniteInputError, ShapeMismatchError } from '../core/errors.ts';
import type { BackendOption, FloatArray, Ran } from '../native/index.ts';
import {
  type AnyIndicator,
  INPUTS,
  type IndicatorDef,
  type InputName,
  type OptionSpecs,
  type OptionValues,
} from './define.ts';
import { IndicatorRun } from './native-run.ts';
import { parseOptions } from './options.ts';

/**
 * Returns each output over a whole series: `Float64Array` of the inputs' length, oldest bar first, NaN before warm-up
 * (all NaN when the series is not longer than the warm-up). Bit for bit what `open` and `update` give, for any number of
 * threads: a long series is worked on in parts. Inputs beyond those of the definition are not read.
 * @throws InvalidOptionError, ShapeMismatchError (an input absent or of another length), NonFiniteInputError, in this
 * order; BackendUnavailableError.
 */
export function compute<O extends OptionSpecs, K extends string, I extends InputName>(
  def: IndicatorDef<O, K, I>,
  options: Partial<OptionValues<O>> | undefined,
  inputs: Readonly<Record<I, Float64Array>>,
): Record<K, Float64Array> {
  const complete = parseOptions<O, K>(def, options);
  const bars = checkColumns(def.inputs, inputs);
  return computePanel<Float64Array, K>(def as unknown as IndicatorDef<OptionSpecs, K>, complete, {
    bars,
    series: 1,
    inputs,
  }).outputs;
}

/** A panel of series: each column of bars is [bars, series] row-major, one row for each bar, oldest first. */
export interface Panel<A extends FloatArray = FloatArray> {
  readonly bars: number;
  readonly series: number;
  /** At least the inputs of the definition; all of one class. */
  readonly inputs: Readonly<Partial<Record<InputName, A>>>;
  /** Where outputs go, by name, [bars, series]; new arrays for those that are absent. They overlap no other array. */
  readonly outputs?: Readonly<Record<string, A>>;
  /** What runs it; `auto` when absent. */
  readonly backend?: BackendOption;
}

/** What ran a panel, and its outputs by name. */
export type PanelResult<A extends FloatArray, K extends string = string> = Ran & {
  readonly outputs: Record<K, A>;
};

/**
 * Returns each output over a panel, [bars, series], of the class of the inputs; NaN before warm-up. For each series it is
 * bit for bit what `compute` and the streams give (in f32: rounded at each operation). Uses several threads.
 * @throws InvalidOptionError, ShapeMismatchError, NonFiniteInputError, in this order; BackendUnavailableError when the addon
 * or the asked backend is absent.
 */
export function computePanel<A extends FloatArray, K extends string = string>(
  def: IndicatorDef<OptionSpecs, K>,
  options: Partial<OptionValues<OptionSpecs>> | undefined,
  panel: Panel<A>,
): PanelResult<A, K> {
  const { run, columns, outputs } = prepare<A, K>(def, options, panel);
  try {
    const ran = run.runWhole(panel.bars, columns, Object.values<A>(outputs), panel.backend);
    return { ...ran, outputs };
  } catch (error) {
    throw located(error, def as AnyIndicator, panel);
  }
}

/**
 * The same as `computePanel`, off the JavaScript thread; every error rejects. Until it settles the arrays must be neither
 * written, read (outputs) nor transferred. Worth it from about 10,000 values (100 us). Rejects with `CancelledError` soon
 * after `signal` is aborted; outputs then hold nothing of use.
 */
export async function computePanelAsync<A extends FloatArray, K extends string = string>(
  def: IndicatorDef<OptionSpecs, K>,
  options: Partial<OptionValues<OptionSpecs>> | undefined,
  panel: Panel<A>,
  signal?: AbortSignal,
): Promise<PanelResult<A, K>> {
  const { run, columns, outputs } = prepare<A, K>(def, options, panel);
  for (const array of [...columns, ...Object.values<A>(outputs)]) {
    // A resizable buffer could shrink under a run on another thread.
    if (array !== undefined && (array.buffer as ArrayBuffer).resizable)
      throw new InvalidOptionError('Expected arrays of fixed length, was resizable');
  }
  try {
    const ran = await run.runWholeAsync(
      panel.bars,
      columns,
      Object.values<A>(outputs),
      panel.backend,
      signal,
    );
    return { ...ran, outputs };
  } catch (error) {
    throw located(error, def as AnyIndicator, panel);
  }
}

function prepare<A extends FloatArray, K extends string>(
  def: IndicatorDef<OptionSpecs, K>,
  options: Partial<OptionValues<OptionSpecs>> | undefined,
  panel: Panel<A>,
): { run: IndicatorRun<A>; columns: (A | undefined)[]; outputs: Record<K, A> } {
  const complete = parseOptions<OptionSpecs, K>(def, options);
  const { bars, series, inputs } = panel;
  for (const [name, count] of Object.entries({ bars, series })) {
    if (!Number.isInteger(count) || count < 0 || count > 2 ** 31 - 1) {
      const expected = 'an integer from 0 to 2147483647';
      throw new InvalidOptionError(`Expected ${expected} for ${name}, was another value`, [
        { pointer: `/${name}`, expected },
      ]);
    }
  }
  checkColumns(def.inputs, inputs as Readonly<Record<InputName, A>>, bars * series);
  const first = inputs[def.inputs[0] as InputName] as A;
  const kind = first.constructor as new (length: number) => A;
  const run = new IndicatorRun<A>([[def as unknown as AnyIndicator, complete]], series, kind);
  const outputs = Object.fromEntries(
    Object.keys(def.outputs).map((name) => [name, panel.outputs?.[name] ?? new kind(bars * series)]),
  ) as Record<K, A>;
  const columns = INPUTS.map((input) => (def.inputs.includes(input) ? inputs[input] : undefined));
  return { run, columns, outputs };
}

/**
 * Returns the length that all inputs have.
 * @throws ShapeMismatchError when one is absent or differs, from `length` when it is given.
 */
export function checkColumns<I extends InputName>(
  names: readonly I[],
  inputs: Readonly<Record<I, FloatArray>>,
  length: number | undefined = undefined,
): number {
  const first = names[0] as I;
  const wanted = length ?? inputs[first]?.length;
  for (const name of names) {
    const received = inputs[name]?.length;
    if (received === undefined || received !== wanted) {
      const was = received === undefined ? 'missing' : `${received} values`;
      const same = length === undefined ? `, as in ${first}` : '';
      const expected = wanted === undefined ? 'an array of numbers' : `${wanted} values${same}`;
      throw new ShapeMismatchError(`Expected ${expected} for ${name}, was ${was}`, [
        { pointer: `/inputs/${name}`, expected, received: was },
      ]);
    }
  }
  return wanted as number;
}

// The addon only says that an input is not finite; where is found here, as it is the exception.
function located(error: unknown, def: AnyIndicator, { inputs }: Panel): unknown {
  if (!(error instanceof NonFiniteInputError)) return error;
  for (const name of def.inputs) {
    const bad = (inputs[name] as Float64Array).findIndex((value) => !Number.isFinite(value));
    if (bad < 0) continue;
    return new NonFiniteInputError(`Expected a finite number for ${name}, was not finite`, [
      { pointer: `/inputs/${name}/${bad}`, expected: 'a finite number', received: 'not finite' },
    ]);
  }
  return error;
}
