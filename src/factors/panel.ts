// The panel: the last bars of many symbols, each a rolling window of its own, with the market they make together.
import {
  InvalidOptionError,
  NonFiniteInputError,
  NotFoundError,
  ShapeMismatchError,
} from '../core/errors.ts';
import type { FactorView } from './define.ts';

/** Bars a panel keeps per symbol unless told: a year of trading days and a month. */
export const PANEL_BARS = 273;

/** What the panel takes of a bar. `close` is positive; `volume` in base units, absent where the source has none. */
export interface PanelBar {
  readonly ts_event_us: number;
  readonly close: number;
  readonly volume?: number;
}

interface MarketMoment {
  /** Stored bars at this time; the moment is dropped with the last of them. */
  bars: number;
  returns: number;
  sum: number;
}

/**
 * A rolling window of bars per symbol, in typed arrays of shape [time, series]. A symbol's window holds its own last
 * bars: when it misses one, its next return spans the gap, and no other symbol is affected.
 */
export class Panel {
  /** Bars kept per symbol. */
  readonly bars: number;
  readonly #symbols: string[] = [];
  readonly #series = new Map<string, number>();
  readonly #pushed: number[] = [];
  readonly #market = new Map<number, MarketMoment>();
  #room = 0;
  #time = new Float64Array(0);
  #close = new Float64Array(0);
  #volume = new Float64Array(0);

  /** @throws InvalidOptionError when a symbol repeats or `bars` is not an integer of at least 2. */
  constructor(symbols: readonly string[] = [], bars = PANEL_BARS) {
    if (!Number.isInteger(bars) || bars < 2) {
      throw new InvalidOptionError('Expected an integer of at least 2 for bars');
    }
    this.bars = bars;
    for (const symbol of symbols) {
      if (this.has(symbol)) throw new InvalidOptionError('Expected different symbols, was one that repeats');
      this.add(symbol);
    }
  }

  /** The symbols in the order they were added: the order of every result. */
  get symbols(): readonly string[] {
    return this.#symbols;
  }

  has(symbol: string): boolean {
    return this.#series.has(symbol);
  }

  /** Adds a symbol with no bars; does nothing when it is there. Costs a copy of the panel each time the room doubles. */
  add(symbol: string): void {
    if (this.has(symbol)) return;
    if (this.#symbols.length === this.#room) this.#grow(Math.max(8, this.#room * 2));
    this.#series.set(symbol, this.#symbols.length);
    this.#symbols.push(symbol);
    this.#pushed.push(0);
  }

  /** Returns how many bars of a symbol are kept, 0 to `bars`. @throws NotFoundError */
  count(symbol: string): number {
    return Math.min(this.#pushed[this.#of(symbol)] as number, this.bars);
  }

  /**
   * Appends a closed bar to a symbol's window, the oldest leaving when it is full. Returns false, and does nothing, for a
   * bar that is not newer than the symbol's last: a repeated delivery is harmless.
   * @throws NotFoundError (symbol never added), NonFiniteInputError (close or volume not finite), InvalidOptionError
   * (close not positive, volume negative).
   */
  push(symbol: string, bar: PanelBar): boolean {
    const series = this.#of(symbol);
    const { ts_event_us: time, close, volume = Number.NaN } = bar;
    if (
      !Number.isFinite(time) ||
      !Number.isFinite(close) ||
      (bar.volume !== undefined && !Number.isFinite(volume))
    ) {
      throw new NonFiniteInputError('Expected finite numbers for the time, close and volume of a bar');
    }
    if (close <= 0 || volume < 0)
      throw new InvalidOptionError('Expected a positive close and no negative volume');
    const pushed = this.#pushed[series] as number;
    const last = this.#at(pushed - 1, series);
    if (pushed > 0 && time <= (this.#time[last] as number)) return false;
    const slot = this.#at(pushed, series);
    if (pushed >= this.bars) this.#forget(this.#time[slot] as number);
    const moment = this.#moment(time);
    if (pushed > 0) {
      moment.sum += close / (this.#close[last] as number) - 1;
      moment.returns++;
    }
    this.#time[slot] = time;
    this.#close[slot] = close;
    this.#volume[slot] = volume;
    this.#pushed[series] = pushed + 1;
    return true;
  }

  /** Returns a panel of the same windows without `symbol` and without its share of the market. */
  without(symbol: string): Panel {
    const left = this.#symbols.filter((other) => other !== symbol);
    const panel = new Panel(left, this.bars);
    for (const other of left) {
      const series = this.#of(other);
      const pushed = this.#pushed[series] as number;
      for (let bar = pushed - this.count(other); bar < pushed; bar++) {
        const at = this.#at(bar, series);
        const volume = this.#volume[at] as number;
        const kept = { ts_event_us: this.#time[at] as number, close: this.#close[at] as number };
        panel.push(other, Number.isNaN(volume) ? kept : { ...kept, volume });
      }
    }
    return panel;
  }

  /** Returns an empty view with room for this panel's windows, to be filled by `read`. */
  view(): PanelView {
    return new PanelView(this.bars);
  }

  /**
   * Fills `view` with the window of a symbol. The market at a time is the mean over the symbols that have a return there
   * so far: read after all symbols of a moment were pushed.
   * @throws NotFoundError when the symbol was never added.
   */
  read(symbol: string, view: PanelView): void {
    const series = this.#of(symbol);
    const pushed = this.#pushed[series] as number;
    const bars = Math.min(pushed, this.bars);
    const { close, volume, simple, log, market } = view;
    view.bars = bars;
    let previous = Number.NaN;
    for (let i = 0; i < bars; i++) {
      const at = this.#at(pushed - bars + i, series);
      const price = this.#close[at] as number;
      const ratio = price / previous;
      close[i] = price;
      volume[i] = this.#volume[at] as number;
      simple[i] = ratio - 1;
      log[i] = Math.log(ratio);
      const moment = this.#market.get(this.#time[at] as number);
      market[i] = i === 0 || moment === undefined ? Number.NaN : moment.sum / moment.returns;
      previous = price;
    }
  }

  #of(symbol: string): number {
    const series = this.#series.get(symbol);
    if (series === undefined) throw new NotFoundError('Expected a symbol of the panel');
    return series;
  }

  #at(bar: number, series: number): number {
    return (bar % this.bars) * this.#room + series;
  }

  #moment(time: number): MarketMoment {
    let moment = this.#market.get(time);
    if (moment === undefined) {
      moment = { bars: 0, returns: 0, sum: 0 };
      this.#market.set(time, moment);
    }
    moment.bars++;
    return moment;
  }

  #forget(time: number): void {
    const moment = this.#market.get(time) as MarketMoment;
    moment.bars--;
    if (moment.bars === 0) this.#market.delete(time);
  }

  #grow(room: number): void {
    const widen = (old: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> => {
      const wide = new Float64Array(this.bars * room);
      for (let row = 0; row < this.bars; row++) {
        wide.set(old.subarray(row * this.#room, (row + 1) * this.#room), row * room);
      }
      return wide;
    };
    this.#time = widen(this.#time);
    this.#close = widen(this.#close);
    this.#volume = widen(this.#volume);
    this.#room = room;
  }
}

/** The window of one symbol, refilled for each by `Panel.read`. */
export class PanelView implements FactorView {
  bars = 0;
  readonly close: Float64Array;
  readonly volume: Float64Array;
  readonly simple: Float64Array;
  readonly log: Float64Array;
  readonly market: Float64Array;

  constructor(bars: number) {
    this.close = new Float64Array(bars);
    this.volume = new Float64Array(bars);
    this.simple = new Float64Array(bars);
    this.log = new Float64Array(bars);
    this.market = new Float64Array(bars);
  }
}

/** A whole panel as columns: `close` and `volume` of shape [time, series], row = one time, NaN = no bar there. */
export interface PanelColumns {
  readonly symbols: readonly string[];
  /** Microseconds since the epoch, ascending. */
  readonly times: ArrayLike<number>;
  readonly close: Float64Array;
  readonly volume?: Float64Array;
}

/**
 * Returns a panel filled from columns, keeping the last `bars` of each symbol.
 * @throws ShapeMismatchError when an array is not times by symbols long; InvalidOptionError when times do not ascend;
 * what `Panel.push` throws.
 */
export function panelOf(columns: PanelColumns, bars = PANEL_BARS): Panel {
  const { symbols, times, close, volume } = columns;
  const cells = times.length * symbols.length;
  if (close.length !== cells || (volume !== undefined && volume.length !== cells)) {
    throw new ShapeMismatchError(
      `Expected ${times.length} times ${symbols.length} values for close and volume`,
    );
  }
  const panel = new Panel(symbols, bars);
  for (let row = 0; row < times.length; row++) {
    if (row > 0 && !((times[row] as number) > (times[row - 1] as number))) {
      throw new InvalidOptionError('Expected ascending times, was one not after its predecessor');
    }
    for (let series = 0; series < symbols.length; series++) {
      const cell = row * symbols.length + series;
      const price = close[cell] as number;
      if (Number.isNaN(price)) continue;
      const traded = volume?.[cell] ?? Number.NaN;
      const bar = { ts_event_us: times[row] as number, close: price };
      panel.push(symbols[series] as string, Number.isNaN(traded) ? bar : { ...bar, volume: traded });
    }
  }
  return panel;
}
