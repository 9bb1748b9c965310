// Page-Hinkley: an alarm when values depart from their running mean for long enough, upwards, downwards or both.
import { detectorNumber, finiteValue, refusedState } from './detector.ts';
import type { StreamDetector, StreamVerdict } from './types.ts';

const MODES = ['up', 'down', 'both'] as const;

export interface PageHinkleyOptions {
  /** Values before the first verdict. Default 30. */
  readonly minValues?: number;
  /** Departure from the mean that is tolerated, in units of the values. Default 0.005. */
  readonly delta?: number;
  /** Sum of departures from which it is a change. Default 50. */
  readonly threshold?: number;
  /** How much of the sums stays from value to value: above 0, at most 1. Default 0.9999. */
  readonly forgetting?: number;
  /** Which changes count. Default `both`. */
  readonly mode?: (typeof MODES)[number];
}

interface State {
  count: number;
  mean: number;
  increase: number;
  decrease: number;
  /** Least sum of increases so far; null before the first value. */
  least: number | null;
  most: number | null;
  /** The last value was a change: the next one begins anew. */
  changed: boolean;
}
const FRESH: State = {
  ...{ count: 0, mean: 0, increase: 0, decrease: 0 },
  ...{ least: null, most: null, changed: false },
};

export interface PageHinkleyJson {
  readonly detector: 'page_hinkley';
  readonly options: Required<PageHinkleyOptions>;
  readonly state: Readonly<State>;
}

/** Page 1954, "Continuous inspection schemes"; Hinkley 1971; with the forgetting of Sebastiao and Fernandes 2017. After a change it begins anew. */
export class PageHinkley implements StreamDetector {
  readonly #options: Required<PageHinkleyOptions>;
  #state: State = { ...FRESH };

  /** Throws `InvalidOptionError` for options out of range. */
  constructor(options: PageHinkleyOptions = {}) {
    const mode = options.mode ?? 'both';
    if (!MODES.includes(mode)) refusedState('page_hinkley');
    this.#options = {
      minValues: detectorNumber(options.minValues, 30, 'min_values', { least: 1 }),
      delta: detectorNumber(options.delta, 0.005, 'delta', { above: -Number.MIN_VALUE, below: Infinity }),
      threshold: detectorNumber(options.threshold, 50, 'threshold', { above: 0, below: Infinity }),
      forgetting: detectorNumber(options.forgetting, 0.9999, 'forgetting', { above: 0, below: 1 + 1e-12 }),
      mode,
    };
  }

  /** Takes one value. Throws `NonFiniteInputError`. */
  update(value: number): StreamVerdict {
    finiteValue(value);
    if (this.#state.changed) this.#state = { ...FRESH };
    const state = this.#state;
    const { minValues, delta, threshold, forgetting, mode } = this.#options;
    state.count += 1;
    state.mean += (value - state.mean) / state.count;
    const off = value - state.mean;
    state.increase = forgetting * state.increase + off - delta;
    state.decrease = forgetting * state.decrease + off + delta;
    state.least = Math.min(state.least ?? state.increase, state.increase);
    state.most = Math.max(state.most ?? state.decrease, state.decrease);
    const up = mode !== 'down' && state.increase - state.least > threshold;
    const down = mode !== 'up' && state.most - state.decrease > threshold;
    state.changed = state.count >= minValues && (up || down);
    return { drift: state.changed, warning: false };
  }

  toJSON(): PageHinkleyJson {
    return { detector: 'page_hinkley', options: this.#options, state: { ...this.#state } };
  }

  /** Returns the detector that {@link toJSON} was called on. Throws `InvalidOptionError` for anything else. */
  static fromJSON(json: unknown): PageHinkley {
    const from = json as PageHinkleyJson;
    if (from?.detector !== 'page_hinkley' || typeof from.state !== 'object' || from.state === null)
      refusedState('page_hinkley');
    const { count, mean, increase, decrease, least, most, changed } = from.state;
    const sound =
      Number.isSafeInteger(count) &&
      [mean, increase, decrease].every(Number.isFinite) &&
      [least, most].every((value) => value === null || Number.isFinite(value)) &&
      typeof changed === 'boolean';
    if (!sound) refusedState('page_hinkley');
    const detector = new PageHinkley(from.options);
    detector.#state = { count, mean, increase, decrease, least, most, changed };
    return detector;
  }
}
