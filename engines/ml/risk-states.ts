// What the risk engine last said of each portfolio on `risk.portfolio_updates`, in live running only.
import type { Bus } from '../../src/bus/client.ts';
import type { Envelope } from '../../src/bus/envelope.ts';
import { type BodyOf, topics } from '../../src/bus/topics.ts';

/** Portfolios remembered at most; the one that was not heard of longest goes first. */
export const MAX_PORTFOLIOS = 1000;

type RiskUpdate = BodyOf<typeof topics.riskPortfolioUpdates>;

/** The limit states of one portfolio and the event time that they are of. */
export interface RiskState extends RiskUpdate {
  readonly ts_event_us: number;
}

/**
 * Follows portfolios by a plain subscription: risk is downstream of predictions, so that the flow of a replay can't bring its word
 * back, and updates of replays are left out.
 */
export class RiskStates {
  readonly #bus: Bus;
  readonly #newest = new Map<string, RiskState>();

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  get size(): number {
    return this.#newest.size;
  }

  async start(): Promise<void> {
    await this.#bus.subscribe(topics.riskPortfolioUpdates, (batch) => {
      for (const message of batch) if (message.session === undefined) this.#take(message);
    });
  }

  /** The newest state of a portfolio; undefined when none was heard. */
  of(portfolioId: string): RiskState | undefined {
    return this.#newest.get(portfolioId);
  }

  #take({ body, ts_event_us }: Envelope): void {
    const update = body as RiskUpdate;
    const known = this.#newest.get(update.portfolio_id);
    if (known && known.ts_event_us > ts_event_us) return;
    this.#newest.delete(update.portfolio_id);
    if (this.#newest.size >= MAX_PORTFOLIOS) this.#newest.delete(this.#newest.keys().next().value!);
    this.#newest.set(update.portfolio_id, { ...update, ts_event_us });
  }
}
