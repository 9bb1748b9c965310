// Rows of numbers as they are posted, and what a model made of them, as it is replied.
import { InvalidOptionError, NonFiniteInputError, ShapeMismatchError } from '../../../src/core/errors.ts';
import type { ProviderChoice } from '../../../src/onnx/provider.ts';
import { strategyDefinitions } from '../../../src/trading/strategies.ts';
import type { Prediction, Rows } from './predictor.ts';
import type { Hardware, PredictReply } from './schemas.ts';

/** Returns rows as float32. Throws ShapeMismatchError and NonFiniteInputError, which name the row. */
export function rowsOf(inputs: readonly (readonly number[])[], columns: number): Rows {
  const values = new Float32Array(inputs.length * columns);
  for (let r = 0; r < inputs.length; r++) {
    const row = inputs[r]!;
    if (row.length !== columns) {
      const error = { pointer: `/inputs/${r}`, expected: `${columns} numbers`, received: `${row.length}` };
      throw new ShapeMismatchError(`Expected ${columns} numbers per row, was ${row.length} in row ${r}`, [
        error,
      ]);
    }
    values.set(row, r * columns);
  }
  return { values: finite(values, columns), count: inputs.length };
}

/** Returns `values` [rows, columns] as they are. Throws NonFiniteInputError for one that is no number or too big for float32. */
export function finite(values: Float32Array, columns: number): Float32Array {
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i]!)) continue;
    const pointer = `/inputs/${Math.floor(i / columns)}/${i % columns}`;
    const error = { pointer, expected: 'a number that is finite in float32', received: 'not finite' };
    throw new NonFiniteInputError(`Expected ${error.expected} for ${pointer}`, [error]);
  }
  return values;
}

/** Throws NonFiniteInputError for the first row of which the model made no number: what float32 holds can still overflow inside. */
export function checkOutput({ output, width }: Pick<Prediction, 'output' | 'width'>): void {
  const bad = output.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  const row = Math.floor(bad / width);
  const error = { pointer: `/inputs/${row}`, expected: 'inputs for which the model has a finite answer' };
  throw new NonFiniteInputError(`Expected ${error.expected}, was not in row ${row}`, [error]);
}

const HARDWARE_OF: Readonly<Record<ProviderChoice['provider'], Hardware>> = {
  cpu: 'cpu',
  coreml: 'neural_engine',
  'coreml-gpu': 'metal_gpu',
};

/** Returns what ran a model, in the published words. */
export function hardwareOf({ provider }: ProviderChoice): Hardware {
  return HARDWARE_OF[provider];
}

/** Returns the provider of a hardware that a request names. */
export function providerOf(hardware: 'auto' | Hardware): 'auto' | ProviderChoice['provider'] {
  if (hardware === 'auto') return 'auto';
  return hardware === 'cpu' ? 'cpu' : hardware === 'neural_engine' ? 'coreml' : 'coreml-gpu';
}

/** Returns the reply to a prediction that began at `started`. */
export function replyOf(prediction: Prediction, started: number): PredictReply {
  const { card, output, width, provider, where, id } = prediction;
  const predictions = width === 1 ? Array.from(output) : inRows(output, width);
  return {
    model_id: card.model_id,
    model_version: card.version,
    ...(id !== undefined && { prediction_id: id }),
    inputs: card.inputs.map((input) => input.name),
    predictions,
    ...(card.model_type === 'classification' ? decide(predictions, card.output.classes) : UNDECIDED),
    calibrated: card.model_type === 'classification' ? (card.serving?.calibrated ?? false) : null,
    interval: intervalOf(prediction),
    processing_time_ms: milliseconds(performance.now() - started),
    hardware_used: hardwareOf(provider),
    hardware_reason: provider.reason,
    backend: 'onnxruntime',
    where,
  };
}

/** Returns one reply for rows that were answered in parts, in their order. */
export function joinReplies(parts: readonly PredictReply[], tookMs: number): PredictReply {
  const { prediction_id, ...first } = parts[0]!;
  return {
    ...first,
    // Each part has an id of its own: one that is all of the reply is its id.
    ...(parts.length === 1 && prediction_id !== undefined && { prediction_id }),
    predictions: parts.flatMap(({ predictions }) => predictions as number[]),
    confidence: first.confidence && parts.flatMap(({ confidence }) => confidence!),
    signal: first.signal && parts.flatMap(({ signal }) => signal!),
    interval: first.interval && {
      level: first.interval.level,
      low: parts.flatMap(({ interval }) => interval!.low),
      high: parts.flatMap(({ interval }) => interval!.high),
    },
    processing_time_ms: milliseconds(tookMs),
  };
}

function intervalOf({ card, output, width }: Prediction): PredictReply['interval'] {
  const interval = card.serving?.interval;
  if (!interval || card.model_type !== 'regression' || width !== 1) return null;
  const { level, margin } = interval;
  return {
    level,
    low: Array.from(output, (value) => value - margin),
    high: Array.from(output, (value) => value + margin),
  };
}

const milliseconds = (ms: number) => Math.round(ms * 1000) / 1000;

function inRows(output: Float32Array, width: number): number[][] {
  const rows = output.length / width;
  return Array.from({ length: rows }, (_, r) => Array.from(output.subarray(r * width, (r + 1) * width)));
}

const { enter, exit } = strategyDefinitions['ml-threshold'].options.parse({});
const UNDECIDED = { confidence: null, signal: null, thresholds: null };

type Signal = NonNullable<PredictReply['signal']>[number];
/** Classes of a classifier of signals, in any order. */
const SIGNALS: readonly Signal[] = ['SELL', 'HOLD', 'BUY'];

type Decided = Pick<PredictReply, 'confidence' | 'signal' | 'thresholds'>;

function decide(
  predictions: readonly (number | readonly number[])[],
  classes: readonly string[] = [],
): Decided {
  const confidence = predictions.map((p) => (typeof p === 'number' ? Math.max(p, 1 - p) : Math.max(...p)));
  // Of two classes the second is the rise, as in a graph that gives its probability alone, unless their names say otherwise.
  const rise = classes[0] === 'BUY' ? 0 : 1;
  const rises = predictions.map((p) => (typeof p === 'number' ? p : p.length === 2 ? p[rise]! : null));
  if (rises.includes(null)) {
    if (classes.length !== SIGNALS.length || !SIGNALS.every((name) => classes.includes(name)))
      return { ...UNDECIDED, confidence };
    // The classes are signals themselves: the likeliest says what to do.
    const names = predictions.map((p) => classes[(p as number[]).indexOf(Math.max(...(p as number[])))]!);
    return { ...UNDECIDED, confidence, signal: names as Signal[] };
  }
  return {
    confidence,
    signal: rises.map((p) => (p! > enter ? 'BUY' : p! < exit ? 'SELL' : 'HOLD')),
    thresholds: { buy_above: enter, sell_below: exit },
  };
}

/** Returns the milliseconds that a request may take. Throws InvalidOptionError over the limit. */
export function timeoutOf(asked: number | undefined, mostMs: number): number {
  if (asked === undefined) return mostMs;
  if (asked <= mostMs) return asked;
  const error = { pointer: '/timeout_ms', expected: `at most ${mostMs}, which DEFAULT_TIMEOUT sets` };
  throw new InvalidOptionError(`Expected ${error.expected} for timeout_ms`, [error]);
}
