// Relative strength index over a panel of series through the addon.
import type { FloatArray, RawAddon } from './addon.ts';
import {
  type BackendOption,
  backendCode,
  requireApart,
  requireArray,
  requireCount,
  sameKind,
} from './arguments.ts';
import { type Ran, runLater, runNow } from './run.ts';

/** Arguments of `rsi`. */
export interface RsiOptions<A extends FloatArray = FloatArray> {
  /** Rows of the panel. */
  readonly bars: number;
  /** Columns of the panel. */
  readonly series: number;
  /** Closing prices, [bars, series] row-major: one row is one bar of all series. */
  readonly close: A;
  /** Bars that Wilder's average spans; an integer from 1. */
  readonly period: number;
  /** [bars, series]; a new array when absent. Must not overlap `close`. */
  readonly out?: A;
  readonly backend?: BackendOption;
}

/** What `rsi` returns: what ran, and the index in `out`. */
export interface RsiResult<A extends FloatArray = FloatArray> extends Ran {
  readonly out: A;
}

type RawArguments = Parameters<RawAddon['rsi']>;

function rawArguments<A extends FloatArray>(options: RsiOptions<A>): { raw: RawArguments; out: A } {
  const { bars, series, close, period, backend } = options;
  const code = backendCode(backend);
  requireCount('bars', bars);
  requireCount('series', series);
  requireCount('period', period, 1);
  requireArray('close', close, bars * series);
  const out = options.out ?? sameKind(close, bars * series);
  requireArray('out', out, bars * series, close);
  requireApart('out', out, close);
  return { raw: [code, bars, series, period, close, out], out };
}

/**
 * Returns Wilder's relative strength index of every series, [bars, series] in 0..100 index points. The rows before
 * `period` are NaN (no value yet); a panel of at most `period` bars is all NaN. A NaN or infinite close makes its
 * series NaN from there on. 50 when neither gain nor loss was seen, where TA-Lib gives 0.
 *
 * The seed is the plain average of the first `period` gains and losses; then
 * `average = (average * (period - 1) + x) / period` and `rsi = 100 * (gain / (gain + loss))`. The bits are the same for
 * every SIMD target and number of series, and a streaming form that keeps this order of operations repeats them.
 * Throws `InvalidOptionError`, `ShapeMismatchError`, `BackendUnavailableError`.
 * Source: Wilder 1978, New Concepts in Technical Trading Systems, as in TA-Lib.
 */
export function rsi<A extends FloatArray>(options: RsiOptions<A>): RsiResult<A> {
  const { raw, out } = rawArguments(options);
  return { ...runNow('rsi', (addon) => addon.rsi(...raw)), out };
}

/**
 * The same as `rsi`, off the JavaScript thread; every error rejects. Until it settles the arrays must be neither
 * written, read (`out`) nor transferred. Worth it from about 10,000 elements (100 us).
 */
export async function rsiAsync<A extends FloatArray>(options: RsiOptions<A>): Promise<RsiResult<A>> {
  const { raw, out } = rawArguments(options);
  return { ...(await runLater('rsi', (addon) => addon.rsiAsync(...raw))), out };
}
