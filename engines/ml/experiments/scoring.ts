// What an arm said, what came true, and what it scores.
import { InvalidOptionError, ShapeMismatchError } from '../../../src/core/errors.ts';
import type { PredictReply } from '../serving/schemas.ts';
import type { Metric } from './schemas.ts';

/** What a model said for the rows of one request. */
export interface Said {
  /** A number for each row, or one for each class. */
  readonly p: readonly (number | readonly number[])[];
  /** What to do by it: 1 buy, 0 hold, -1 sell; absent where the reply had no signal. */
  readonly s?: readonly number[];
}

const POSITIONS = { BUY: 1, HOLD: 0, SELL: -1 } as const;
/** Least probability that a log-loss is taken of, as in scikit-learn for float64. */
const LEAST_P = Number.EPSILON;

/** What a metric is about. */
export const METRIC_FACTS: Readonly<
  Record<Metric, { readonly better: 'higher' | 'lower'; readonly needs: 'class' | 'number' | null }>
> = {
  accuracy: { better: 'higher', needs: 'class' },
  log_loss: { better: 'lower', needs: 'class' },
  return_bps: { better: 'higher', needs: 'number' },
  absolute_error: { better: 'lower', needs: 'number' },
  latency_ms: { better: 'lower', needs: null },
  error_rate: { better: 'lower', needs: null },
};

/** Returns what a reply said. */
export function saidOf({ predictions, signal }: Pick<PredictReply, 'predictions' | 'signal'>): Said {
  return { p: predictions, ...(signal && { s: signal.map((one) => POSITIONS[one]) }) };
}

/** What a model is, as far as its scores depend on it. */
export interface Scored {
  readonly task: string;
  /** Numbers of one row. */
  readonly width: number;
  readonly classes: readonly string[] | null;
}

/** Returns why a metric can't be taken of a model; null where it can. */
export function unfitFor(metric: Metric, { task, width, classes }: Scored): string | null {
  const { needs } = METRIC_FACTS[metric];
  if (needs === null) return null;
  if (needs === 'class') return task === 'classification' ? null : 'a classifier';
  if (metric === 'absolute_error')
    return task === 'regression' && width === 1 ? null : 'a regression with one number a row';
  if (task === 'regression') return width === 1 ? null : 'a regression with one number a row';
  if (task !== 'classification') return 'a classifier or a regression';
  const isSignal = width <= 2 || ['BUY', 'HOLD', 'SELL'].every((name) => classes?.includes(name));
  return isSignal ? null : 'a classifier of two classes, or of SELL, HOLD and BUY';
}

/** Returns one outcome as a number: the index of its class, or itself. Throws InvalidOptionError. */
export function outcomeNumber(
  metric: Metric,
  outcome: number | string,
  { width, classes }: Scored,
  pointer: string,
): number {
  if (METRIC_FACTS[metric].needs === 'number') {
    if (typeof outcome === 'number') return outcome;
    throw refusal(pointer, 'a number', 'text');
  }
  const count = Math.max(2, width);
  const index = typeof outcome === 'string' ? (classes?.indexOf(outcome) ?? -1) : outcome;
  if (Number.isInteger(index) && index >= 0 && index < count) return index;
  const names = classes ? ` or one of ${classes.join(', ')}` : '';
  throw refusal(pointer, `the index of a class from 0 to ${count - 1}${names}`, typeof outcome);
}

/** Returns the outcomes of the rows of a prediction. Throws InvalidOptionError, and ShapeMismatchError for another number of rows. */
export function outcomeRows(
  metric: Metric,
  outcome: number | string | readonly (number | string)[],
  rows: number,
  scored: Scored,
  pointer: string,
): number[] {
  const list = Array.isArray(outcome) ? outcome : [outcome as number | string];
  if (list.length !== rows) {
    const field = { pointer, expected: `outcomes of ${rows} rows`, received: `${list.length}` };
    throw new ShapeMismatchError(`Expected ${field.expected} for ${pointer}`, [field]);
  }
  return list.map((one, row) =>
    outcomeNumber(metric, one, scored, Array.isArray(outcome) ? `${pointer}/${row}` : pointer),
  );
}

/** Returns what row `row` of an answer scores when `outcome` comes true; 1 and 0 for accuracy. */
export function scoreOf(metric: Metric, { p, s }: Said, row: number, outcome: number): number {
  const said = p[row]!;
  switch (metric) {
    case 'accuracy':
      return classOf(said) === outcome ? 1 : 0;
    case 'log_loss': {
      const probability = typeof said === 'number' ? (outcome === 1 ? said : 1 - said) : said[outcome]!;
      return -Math.log(Math.min(1, Math.max(LEAST_P, probability)));
    }
    case 'absolute_error':
      return Math.abs(numberOf(said) - outcome);
    default:
      return (s ? s[row]! : Math.sign(numberOf(said))) * outcome;
  }
}

/** Returns how many rows two models answered alike: the same class, or the same sign of a number. */
export function agreement(one: Said, other: Said, { task }: Scored): number {
  const answer = (said: number | readonly number[]) =>
    task === 'classification' ? classOf(said) : Math.sign(numberOf(said));
  return one.p.reduce<number>((sum, said, row) => sum + (answer(said) === answer(other.p[row]!) ? 1 : 0), 0);
}

// Of one number it is the probability of the second class.
function classOf(said: number | readonly number[]): number {
  return typeof said === 'number' ? (said > 0.5 ? 1 : 0) : said.indexOf(Math.max(...said));
}

const numberOf = (said: number | readonly number[]) => (typeof said === 'number' ? said : said[0]!);

function refusal(pointer: string, expected: string, received: string): InvalidOptionError {
  return new InvalidOptionError(`Expected ${expected} for ${pointer}`, [{ pointer, expected, received }]);
}
