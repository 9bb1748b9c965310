// The rows of the kernel table as calls to time, in sizes that grow towards an ordinary large call.
import { type AnyIndicator, computePanel, INDICATORS, type InputName } from '../../indicators/index.ts';
import { exampleCall, uniform } from '../../native/example-call.ts';
import {
  type ArraySpec,
  KERNELS,
  type Kernel,
  type KernelDef,
  kernels,
  type NativeArray,
  type PoolScope,
  pool,
  shapeOf,
} from '../../native/index.ts';
import { elementsOf, extents, LARGE_PANEL, largeCall, operationsOf } from '../../native/large-call.ts';
import type { PreparedCall, TimedRow } from './measure.ts';

/** Elements of all arrays of one call at most: 256 MiB in f32. */
const MOST_ELEMENTS = 2 ** 26;
/** Least length of a side that grows: windows and orders of the examples fit into it. */
const LEAST_SIDE = 32;
/** Side of the small call whose contents the large ones repeat. */
const PATTERN_SIDE = 64;

/** Returns all rows that this device has a Metal kernel for, in the order of the table. */
export function metalRows(): TimedRow[] {
  const able = new Set(
    kernels()
      .filter(({ metal }) => metal)
      .map(({ id }) => id),
  );
  return [
    ...KERNELS.filter(({ def }) => able.has(def.id)).map((kernel) => kernelRow(kernel as Kernel)),
    ...INDICATORS.filter(({ name }) => able.has(name)).map(indicatorRow),
  ];
}

type Numbers = Readonly<Record<string, number>>;

function kernelRow(kernel: Kernel): TimedRow {
  const { def } = kernel;
  const large = largeCall(def);
  const growing = extents(def);
  const scaled = (side: (full: number) => number): Numbers => {
    const numbers: Record<string, number> = {};
    for (const name of [...Object.keys(def.sizes), ...Object.keys(def.options)]) {
      const full = growing.get(name);
      if (full !== undefined) numbers[name] = side(full);
      else if (name in def.sizes || def.options[name]?.kind === 'int') numbers[name] = large[name]!;
    }
    return numbers;
  };
  return {
    id: def.id,
    prepare(share) {
      const factor = share ** (1 / Math.max(1, growing.size));
      const numbers = scaled((full) => Math.max(LEAST_SIDE, Math.round(full * factor)));
      const all = { ...large, ...numbers };
      if (elementsOf(def, all) > MOST_ELEMENTS) return null;
      const pattern = patternOf(def, { ...scaled((full) => Math.min(full, PATTERN_SIDE)) });
      return prepareKernel(kernel, pattern, numbers, Math.round(operationsOf(def, all)));
    },
  };
}

// Options that are no counts are those of the example: they say what kind of call it is. Of optional arrays only those of places are
// given, since they say what belongs together; numbers without a rule of their own might not fit, such as edges that do not rise.
const isGiven = ({ role, type }: ArraySpec) => role !== 'wanted' && (role !== 'optional' || type === 'i32');

function patternOf(def: KernelDef, numbers: Numbers): Record<string, unknown> {
  const call = exampleCall(def, 'f32', 1, numbers);
  for (const [name, spec] of Object.entries(def.arrays)) if (!isGiven(spec)) delete call[name];
  return call;
}

function prepareKernel(
  kernel: Kernel,
  pattern: Readonly<Record<string, unknown>>,
  numbers: Numbers,
  elements: number,
): PreparedCall {
  const { def } = kernel;
  const scope = pool.scope();
  const call: Record<string, unknown> = { ...pattern, ...numbers };
  for (const [name, spec] of Object.entries(def.arrays)) {
    if (!isGiven(spec)) continue;
    const length = shapeOf(def, spec, call).reduce((a, b) => a * b, 1);
    const array = scope.take(spec.type === 'float' ? 'f32' : spec.type, length);
    const content = pattern[name] as NativeArray | undefined;
    if (content) repeat(content, array);
    call[name] = array;
  }
  const run = kernel as unknown as (call: Readonly<Record<string, unknown>>) => { backend: 'cpu' | 'metal' };
  return {
    elements,
    run: (backend) => run({ ...call, backend }).backend,
    release: () => scope.release(),
  };
}

function indicatorRow(def: AnyIndicator): TimedRow {
  const outputs = Object.keys(def.outputs).length;
  return {
    id: def.name,
    prepare(share) {
      const factor = Math.sqrt(share);
      const bars = Math.max(LEAST_SIDE, Math.round(LARGE_PANEL.bars * factor));
      const series = Math.max(1, Math.round(LARGE_PANEL.series * factor));
      const scope = pool.scope();
      const panel = { bars, series, inputs: columns(def.inputs, bars, series, scope) };
      const written = Object.fromEntries(
        Object.keys(def.outputs).map((name) => [name, scope.take('f32', bars * series)]),
      );
      return {
        elements: bars * series * outputs,
        run: (backend) => computePanel(def, undefined, { ...panel, outputs: written, backend }).backend,
        release: () => scope.release(),
      };
    },
  };
}

// Bars whose open and close lie between low and high, the same for every series but for where they begin.
function columns(inputs: readonly InputName[], bars: number, series: number, scope: PoolScope) {
  const random = uniform(1);
  const walk = Float32Array.from({ length: bars }, () => 100 + 10 * random());
  const value: Readonly<Record<InputName, (close: number, bar: number) => number>> = {
    open: (close) => close - 0.5,
    high: (close) => close + 1,
    low: (close) => close - 1,
    close: (close) => close,
    volume: (_, bar) => 1000 + (bar % 97),
  };
  return Object.fromEntries(
    inputs.map((name) => {
      const column = scope.take('f32', bars * series);
      for (let bar = 0; bar < bars; bar++)
        column.fill(value[name](walk[bar]!, bar), bar * series, (bar + 1) * series);
      return [name, column];
    }),
  ) as Record<InputName, Float32Array>;
}

function repeat(content: NativeArray, into: NativeArray): void {
  if (content.length === 0) return;
  for (let at = 0; at < into.length; at += content.length)
    into.set(content.subarray(0, Math.min(content.length, into.length - at)), at);
}
