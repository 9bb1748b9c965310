// What a search sets before its own dimensions: enough rounds or epochs, ended by rows that the fit watches.
import { familyOf } from '../families.ts';

/** A family whose fit goes on until watched rows say that it is enough. */
interface Watched {
  /** Options where neither the request nor a dimension says otherwise. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Option that counts steps of the fit. */
  readonly steps: 'rounds' | 'epochs';
  /** What the watched loss of a regression is multiplied with to be a squared error; over which variance it is divided by. */
  readonly loss: { readonly times: number; readonly of: 'targets' | 'standardised' };
}

const boosted: Watched = {
  options: { rounds: 1000, patience: 30 },
  steps: 'rounds',
  loss: { times: 2, of: 'targets' },
};
/** Growth by depth is held by its depth alone. */
const deep: Watched = { ...boosted, options: { ...boosted.options, max_leaves: 256 } };
const network: Watched = {
  options: { epochs: 60, patience: 8, batch_size: 256 },
  steps: 'epochs',
  loss: { times: 1, of: 'standardised' },
};

/** Families with early stopping, by name. */
export const WATCHED: Readonly<Record<string, Watched>> = {
  gradient_boosting: boosted,
  xgboost: deep,
  lightgbm: boosted,
  catboost: deep,
  mlp: network,
  rnn: network,
  gru: network,
  lstm: network,
  transformer: network,
  cnn: network,
};

const SEQUENCES = new Set(['rnn', 'gru', 'lstm', 'transformer', 'cnn']);

/** Returns the options of a trial: those of the search, then those of the trial itself. Throws InvalidOptionError for no family. */
export function trialOptions(
  name: string,
  options: Readonly<Record<string, unknown>>,
  steps = 1,
): Readonly<Record<string, unknown>> {
  const family = familyOf(name);
  return {
    ...WATCHED[family.name]?.options,
    // What the table is made of is no choice of a trial.
    ...(SEQUENCES.has(family.name) && { steps }),
    ...options,
  };
}

/** Learning rate whose reports are spread over all rounds of a fit. */
const REPORTING_RATE = 0.1;

/**
 * Returns how much of a fit the finished rounds or epochs are: 0 to 1, for boosting above 1 where it learns faster than {@link REPORTING_RATE}. There a round
 * counts for its learning rate: fits are about as far where the product of both is the same (Friedman 2001, Greedy function approximation, section 5), and
 * by rounds alone those that learn slowly, the better ones at their end, would be behind.
 */
export function shareDone(family: string, options: Readonly<Record<string, unknown>>, done: number): number {
  const steps = WATCHED[family]?.steps ?? 'rounds';
  const share = done / Number(options[steps]);
  return steps === 'rounds' ? (share * Number(options.learning_rate)) / REPORTING_RATE : share;
}

/**
 * Returns what makes the watched loss of a fit one that trials of all families share: the log-loss of classes, and of numbers the squared error
 * over the variance of the training targets. Null where the loss is another one, which compares with nothing.
 */
export function watchedUnit(
  family: string,
  task: string,
  options: Readonly<Record<string, unknown>>,
  variance: number,
): number | null {
  const watched = WATCHED[family];
  if (!watched || (options.engine ?? 'native') !== 'native') return null;
  if (task === 'classification') return 1;
  if ((options.loss ?? 'squared') !== 'squared' || !(variance > 0)) return null;
  return watched.loss.of === 'standardised' ? watched.loss.times : watched.loss.times / variance;
}
