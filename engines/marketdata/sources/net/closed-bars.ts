// Finds out when bars are over where a venue only tells of changes: a bar is handed on once, when it is complete.
import type { BarRecord } from '../../../../src/market/records.ts';

/** How long after its end a bar may still change: trades of its last moment on their way. */
const GRACE_US = 10_000_000;

interface Series {
  held: BarRecord | null;
  /** Start of the newest bar that was handed on, or that was before the first. */
  doneUs: number;
}

/** Open bars of one session, by a key for each series. */
export class ClosedBars {
  readonly #series = new Map<string, Series>();

  /**
   * Takes the state of bars, oldest first, and returns those that are over and were not handed on before. The first call of a series only
   * says where it stands: what was over before the session began is history.
   */
  take(key: string, bars: readonly BarRecord[]): BarRecord[] {
    const series = this.#series.get(key);
    if (!series) {
      const held = bars.at(-1) ?? null;
      this.#series.set(key, { held, doneUs: bars.at(-2)?.tsEventUs ?? Number.NEGATIVE_INFINITY });
      return [];
    }
    const over: BarRecord[] = [];
    for (const bar of bars) {
      if (bar.tsEventUs <= series.doneUs || (series.held && bar.tsEventUs < series.held.tsEventUs)) continue;
      if (series.held && bar.tsEventUs > series.held.tsEventUs) {
        over.push(series.held);
        series.doneUs = series.held.tsEventUs;
      }
      series.held = bar;
    }
    return over;
  }

  /** Returns bars whose time is over by the clock of the venue although nothing newer was said. The clock here may be ahead of it. */
  due(venueUs: number, receivedUs: number): BarRecord[] {
    const over: BarRecord[] = [];
    for (const series of this.#series.values()) {
      const { held } = series;
      if (!held || held.tsEventUs + held.interval + GRACE_US > venueUs) continue;
      over.push({ ...held, tsReceiveUs: receivedUs });
      series.doneUs = held.tsEventUs;
      series.held = null;
    }
    return over;
  }

  /** Gives the open bar of a series this symbol. */
  under(key: string, symbol: string): void {
    const series = this.#series.get(key);
    if (series?.held && series.held.symbol !== symbol) series.held = { ...series.held, symbol };
  }

  /** Forgets open bars: their connection is lost, so that they may be incomplete. What was handed on is not again. */
  lost(): void {
    for (const series of this.#series.values()) series.held = null;
  }

  /** Forgets a series that is no longer wanted. */
  drop(key: string): void {
    this.#series.delete(key);
  }
}
