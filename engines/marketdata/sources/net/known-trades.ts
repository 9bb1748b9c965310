// Which trades of a snapshot are news: venues repeat the newest ones at each subscription, also those that were missed meanwhile.
import type { Trade } from '../../../../src/market/records.ts';

export class KnownTrades {
  /** Number of the newest trade by channel. */
  readonly #last = new Map<string, number>();

  /**
   * Takes trades of a channel, in any order, and returns those that are news, oldest first. All of an update are; of a snapshot those after the
   * newest one known, and none at the start, as what was before the session began is history.
   */
  news(channel: string, trades: readonly Trade[], snapshot: boolean): Trade[] {
    const last = this.#last.get(channel);
    let newest = last ?? Number.NEGATIVE_INFINITY;
    for (const { sequence } of trades) newest = Math.max(newest, sequence ?? newest);
    if (newest !== last) this.#last.set(channel, newest);
    const news = !snapshot
      ? [...trades]
      : last === undefined
        ? []
        : trades.filter(({ sequence }) => sequence !== null && sequence > last);
    return news.sort((a, b) => (a.sequence ?? 0) - (b.sequence ?? 0));
  }

  /** Forgets a channel that is no longer wanted. */
  drop(channel: string): void {
    this.#last.delete(channel);
  }
}
