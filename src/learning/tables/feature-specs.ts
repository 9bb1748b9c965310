// Features of a table as data: the kinds there are, their options, and the names of the columns that they give.
import { z } from 'zod';
import { type FieldError, InvalidOptionError } from '../../core/errors.ts';
import { type AnyIndicator, warmupOf } from '../../indicators/define.ts';
import { FEATURE_BARS, MODEL_INPUTS } from '../../indicators/feature-set.ts';
import { parseOptions } from '../../indicators/options.ts';
import { INDICATORS, indicator } from '../../indicators/registry.ts';

const column = z.string().min(1).max(64).describe('column of the data');
const rowsBack = (of: string) => z.int().min(0).max(100_000).default(0).describe(of);
const periods = (most: number, of: string) => z.int().min(1).max(most).default(1).describe(of);
const window = z
  .int()
  .min(2)
  .max(100_000)
  .default(20)
  .describe('rows of the same series that it looks back over, its own among them');

const indicatorSpec = z
  .strictObject({
    kind: z.literal('indicator'),
    name: z.enum(INDICATORS.map(({ name }) => name)).describe('as listed by GET /indicators'),
    options: z.record(z.string(), z.number()).default({}).describe('those of the indicator'),
    output: z.string().max(64).optional().describe('one of its outputs; default: all of them'),
    column: column.default('close').describe('column that it reads as close'),
    relative: z
      .boolean()
      .default(false)
      .describe('divided by that column, for indicators in the units of the price'),
    lag: rowsBack('rows back'),
  })
  .superRefine((spec, context) => {
    for (const { path, message } of indicatorFaults(spec))
      context.addIssue({ code: 'custom', path, message });
  })
  .describe('an indicator of columns open, high, low, close and volume, as far as it reads them');

const single = [
  z.strictObject({ kind: z.literal('value'), column, lag: rowsBack('rows back') }),
  z
    .strictObject({ kind: z.literal('difference'), column, periods: periods(100_000, 'rows back') })
    .describe('the value less that of so many rows before'),
  z.strictObject({
    kind: z.literal('log_return'),
    column,
    periods: periods(100_000, 'rows back that it is compared with'),
  }),
  z
    .strictObject({ kind: z.literal('ratio'), column, to: column, lag: rowsBack('rows back of to') })
    .describe('a column divided by another one, or by an earlier row'),
  z
    .strictObject({ kind: z.literal('volatility'), column, window })
    .describe('standard deviation of log returns of one row'),
  z
    .strictObject({ kind: z.literal('z_score'), column, window })
    .describe('distance from the mean of the window in its standard deviations'),
  indicatorSpec,
] as const;

/** One feature, or the set of the engine's stream. A feature never looks at a later row. */
export const featureSchema = z.discriminatedUnion('kind', [
  z
    .strictObject({ kind: z.literal('bars') })
    .describe('the seven inputs of the stream, of columns open, high, low, close and volume'),
  ...single,
  z
    .strictObject({
      kind: z.literal('cross_section'),
      of: z.discriminatedUnion('kind', single).describe('what is compared'),
      method: z
        .enum(['rank', 'z_score'])
        .default('rank')
        .describe(
          'rank: from 1 / n to 1, equal values share their mean; z_score: sample deviations from the mean',
        ),
    })
    .describe('where a series stands among all series of the same time'),
]);

/** A feature with all its options. */
export type FeatureSpec = z.output<typeof featureSchema>;
export type SpecOf<K extends FeatureSpec['kind']> = Extract<FeatureSpec, { kind: K }>;

/** Every kind there is. */
export const FEATURE_KINDS: readonly FeatureSpec['kind'][] = featureSchema.options.map(
  (option) => option.shape.kind.value,
);

interface Fault {
  readonly path: string[];
  readonly message: string;
}

function indicatorFaults(spec: Omit<SpecOf<'indicator'>, 'kind'>): Fault[] {
  const def = indicator(spec.name);
  const faults: Fault[] = [];
  try {
    parseOptions(def, spec.options);
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error;
    for (const { pointer, expected } of (error.extras.errors ?? []) as FieldError[])
      faults.push({ path: pointer.split('/').slice(1), message: `Expected ${expected}` });
  }
  const outputs = Object.keys(def.outputs);
  if (spec.output !== undefined && !outputs.includes(spec.output))
    faults.push({ path: ['output'], message: `Expected ${outputs.join(' or ')}` });
  if (spec.relative && def.scale !== 1)
    faults.push({ path: ['relative'], message: `Expected false: ${spec.name} is free of units` });
  return faults;
}

/** Returns the definition of an indicator, all its options, and the outputs that a feature gives. */
export function indicatorOf({ name, options, output }: SpecOf<'indicator'>) {
  const def: AnyIndicator = indicator(name);
  return {
    def,
    options: parseOptions(def, options),
    outputs: output === undefined ? Object.keys(def.outputs) : [output],
  };
}

/** Returns the names of the columns that one feature gives, in order. */
export function namesOf(spec: FeatureSpec): readonly string[] {
  switch (spec.kind) {
    case 'bars':
      return MODEL_INPUTS;
    case 'value':
      return [lagged(spec.column, spec.lag)];
    case 'difference':
      return [`${spec.column}_difference_${spec.periods}`];
    case 'log_return':
      return [`${spec.column}_log_return_${spec.periods}`];
    case 'ratio':
      return [`${spec.column}_to_${lagged(spec.to, spec.lag)}`];
    case 'volatility':
      return [`${spec.column}_volatility_${spec.window}`];
    case 'z_score':
      return [`${spec.column}_z_score_${spec.window}`];
    case 'indicator':
      return indicatorNames(spec);
    case 'cross_section':
      return namesOf(spec.of).map((name) => `${name}_cross_${spec.method}`);
  }
}

const lagged = (name: string, lag: number) => (lag === 0 ? name : `${name}_lag_${lag}`);

// `rsi_14`, `macd_12_26_9_histogram`, `volume_sma_20`, `ema_50_to_close_lag_1`.
function indicatorNames(spec: SpecOf<'indicator'>): string[] {
  const { def, options, outputs } = indicatorOf(spec);
  const numbers = Object.keys(def.options).map((name) => options[name]);
  const base = [...(spec.column === 'close' ? [] : [spec.column]), spec.name, ...numbers].join('_');
  return outputs.map((output) => {
    const one = Object.keys(def.outputs).length === 1 ? base : `${base}_${output}`;
    return lagged(spec.relative ? `${one}_to_${spec.column}` : one, spec.lag);
  });
}

/**
 * Returns how many rows of its series before its own a feature reads. Of `bars` and of indicators whose averages fade but never end, those
 * after which each has a value.
 */
export function lookBack(spec: FeatureSpec): number {
  switch (spec.kind) {
    case 'bars':
      return FEATURE_BARS;
    case 'value':
    case 'ratio':
      return spec.lag;
    case 'difference':
    case 'log_return':
      return spec.periods;
    case 'volatility':
      return spec.window;
    case 'z_score':
      return spec.window - 1;
    case 'indicator': {
      const { def, options } = indicatorOf(spec);
      return warmupOf(def, options) + spec.lag;
    }
    case 'cross_section':
      return lookBack(spec.of);
  }
}

/** Whether a later first row of a series changes the value of a feature for good, or ever less: a recursion forgets its start slowly. */
export function dependsOnStart(spec: FeatureSpec): boolean {
  if (spec.kind === 'bars') return true;
  if (spec.kind === 'cross_section') return dependsOnStart(spec.of);
  return spec.kind === 'indicator' && indicatorOf(spec).def.stability !== 'exact';
}

/** Returns the names of the columns that `specs` give, in order. Throws InvalidOptionError for one that comes twice. */
export function featureNames(specs: readonly FeatureSpec[]): string[] {
  const names = specs.flatMap(namesOf);
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name))
      throw new InvalidOptionError(`Expected features of different names, was ${name} twice`);
    seen.add(name);
  }
  return names;
}
