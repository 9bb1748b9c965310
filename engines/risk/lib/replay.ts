// A replay's own view of its portfolio, so that its outcome depends on its messages alone.
import type { SessionSpec } from '../../../src/bus/topics.ts';
import type { Limits } from '../../../src/trading/limits.ts';
import type { PortfolioBook, RiskState } from './book.ts';

/** The replay under way. */
export class Replay {
  readonly session: string;
  readonly portfolioId: string;
  #updates = 0;
  #warnings = 0;
  #breaches = 0;
  #maxDrawdown = 0;

  /** `limits` are those at its begin; a change during the replay counts after it. */
  constructor(
    spec: SessionSpec,
    readonly book: PortfolioBook,
    readonly limits: Limits,
  ) {
    this.session = spec.session;
    this.portfolioId = spec.portfolio_id;
  }

  count({ status, drawdown }: RiskState): void {
    this.#updates++;
    if (status === 'breach') this.#breaches++;
    else if (status === 'warning') this.#warnings++;
    if (drawdown > this.#maxDrawdown) this.#maxDrawdown = drawdown;
  }

  summary() {
    return {
      portfolio_id: this.portfolioId,
      updates: this.#updates,
      warnings: this.#warnings,
      breaches: this.#breaches,
      max_drawdown: this.#maxDrawdown,
      peak_equity: this.book.peakEquity,
      status: this.book.valuation ? this.book.state(this.limits).status : null,
    };
  }
}
