// Joins the bars of each symbol with their features and their prediction, by event time.

/** A bar with what was computed from it; null where it did not come in time. */
export interface Joined<B, F, P> {
  readonly tsEventUs: number;
  readonly bar: B;
  readonly features: F | null;
  readonly prediction: P | null;
}

/** Which partners a bar waits for. */
export interface Partners {
  readonly features: boolean;
  readonly prediction: boolean;
}

/** What did not go as planned since the join was made. */
export interface JoinCounts {
  /** Bars handed on. */
  bars: number;
  /** Bars handed on without a partner that they waited for. */
  late_inputs: number;
  /** Partners that came after their bar was handed on, or whose bar never came. */
  dropped_partners: number;
  /** Bars not later than one that came before. */
  stale_bars: number;
}

interface Slot<B, F, P> {
  readonly tsEventUs: number;
  readonly bar: B;
  features: F | null;
  prediction: P | null;
}

interface Early<F, P> {
  features: F | null;
  prediction: P | null;
}

interface Lane<B, F, P> {
  newestUs: number;
  newest: B | undefined;
  waiting: Slot<B, F, P> | null;
  /** Partners whose bar has not come yet, by event time. */
  readonly early: Map<number, Early<F, P>>;
}

/** Times for which one symbol keeps partners that came before their bar. */
const MAX_EARLY = 16;

/**
 * Hands on each bar once, in the order of event time of its symbol: as soon as its partners are there, and at the
 * latest when the next bar of the symbol comes. Keeps one waiting bar and at most 16 early partners for each symbol.
 */
export class EventTimeJoin<B, F, P> {
  readonly counts: JoinCounts = { bars: 0, late_inputs: 0, dropped_partners: 0, stale_bars: 0 };
  readonly #lanes = new Map<string, Lane<B, F, P>>();
  readonly #waits: Partners;
  readonly #take: (joined: Joined<B, F, P>) => void;

  /** `take` is called synchronously, while a message is taken. */
  constructor(waits: Partners, take: (joined: Joined<B, F, P>) => void) {
    this.#waits = waits;
    this.#take = take;
  }

  /** Takes one bar. A bar that is not later than the symbol's newest is dropped and counted. */
  onBar(symbol: string, tsEventUs: number, bar: B): void {
    const lane = this.#lane(symbol);
    if (tsEventUs <= lane.newestUs) {
      this.counts.stale_bars++;
      return;
    }
    lane.newestUs = tsEventUs;
    lane.newest = bar;
    const before = lane.waiting;
    if (before) {
      lane.waiting = null;
      this.counts.late_inputs++;
      this.#emit(before);
    }
    const early = lane.early.size === 0 ? undefined : this.#takeEarly(lane, tsEventUs);
    const slot = {
      tsEventUs,
      bar,
      features: early?.features ?? null,
      prediction: early?.prediction ?? null,
    };
    if (this.#isComplete(slot)) this.#emit(slot);
    else lane.waiting = slot;
  }

  /** Takes the features of one bar. */
  onFeatures(symbol: string, tsEventUs: number, features: F): void {
    const lane = this.#lane(symbol);
    const target = this.#target(lane, tsEventUs);
    if (!target) return;
    target.features = features;
    this.#emitComplete(lane, target);
  }

  /** Takes the prediction for one bar. */
  onPrediction(symbol: string, tsEventUs: number, prediction: P): void {
    const lane = this.#lane(symbol);
    const target = this.#target(lane, tsEventUs);
    if (!target) return;
    target.prediction = prediction;
    this.#emitComplete(lane, target);
  }

  /** The newest bar that has come, handed on or still waiting; undefined when there was none. */
  newest(symbol: string): B | undefined {
    return this.#lanes.get(symbol)?.newest;
  }

  /** Knows the newest bars that `other` knows. Nothing else is taken over, so that a bar may come again. */
  rememberNewest(other: EventTimeJoin<B, F, P>): void {
    for (const [symbol, { newest }] of other.#lanes) this.#lane(symbol).newest = newest;
  }

  #lane(symbol: string): Lane<B, F, P> {
    let lane = this.#lanes.get(symbol);
    if (!lane) {
      lane = { newestUs: -1, newest: undefined, waiting: null, early: new Map() };
      this.#lanes.set(symbol, lane);
    }
    return lane;
  }

  #emit(joined: Joined<B, F, P>): void {
    this.counts.bars++;
    this.#take(joined);
  }

  #isComplete(slot: Early<F, P>): boolean {
    return (
      (slot.features !== null || !this.#waits.features) &&
      (slot.prediction !== null || !this.#waits.prediction)
    );
  }

  #emitComplete(lane: Lane<B, F, P>, target: Early<F, P>): void {
    const waiting = lane.waiting;
    if (target !== waiting || !this.#isComplete(waiting)) return;
    lane.waiting = null;
    this.#emit(waiting);
  }

  #target(lane: Lane<B, F, P>, tsEventUs: number): Early<F, P> | null {
    if (lane.waiting?.tsEventUs === tsEventUs) return lane.waiting;
    if (tsEventUs <= lane.newestUs) {
      this.counts.dropped_partners++;
      return null;
    }
    let early = lane.early.get(tsEventUs);
    if (!early) {
      if (lane.early.size === MAX_EARLY) this.#dropEarly(lane, Math.min(...lane.early.keys()));
      early = { features: null, prediction: null };
      lane.early.set(tsEventUs, early);
    }
    return early;
  }

  #takeEarly(lane: Lane<B, F, P>, tsEventUs: number): Early<F, P> | undefined {
    const early = lane.early.get(tsEventUs);
    lane.early.delete(tsEventUs);
    for (const time of lane.early.keys()) if (time < tsEventUs) this.#dropEarly(lane, time);
    return early;
  }

  #dropEarly(lane: Lane<B, F, P>, tsEventUs: number): void {
    const { features, prediction } = lane.early.get(tsEventUs)!;
    this.counts.dropped_partners += (features === null ? 0 : 1) + (prediction === null ? 0 : 1);
    lane.early.delete(tsEventUs);
  }
}
