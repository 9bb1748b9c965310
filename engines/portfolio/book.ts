// One portfolio in memory: its ledger, how many fills made it, when it was last valued.
import type { BodyOf, topics } from '../../src/bus/topics.ts';
import { text } from '../../src/trading/decimal.ts';
import { Ledger } from '../../src/trading/ledger.ts';
import type { PortfolioRow, PortfolioStore } from './store.ts';

/** Body of `portfolio.valuations`. */
export type Valuation = BodyOf<typeof topics.valuations>;

/** A portfolio's live state. Only the service changes it. */
export class Book {
  readonly id: string;
  readonly name: string;
  readonly createdUs: number;
  readonly ledger: Ledger;
  readonly startingCash: string;
  /** Fills applied. */
  fills = 0;
  /** Event time of the newest valuation; null before the first. */
  valuedUs: number | null;

  constructor(row: PortfolioRow) {
    this.id = row.portfolio_id;
    this.name = row.name;
    this.createdUs = row.created_us;
    this.valuedUs = row.valued_us;
    this.ledger = new Ledger(row.portfolio_id, row.starting_cash);
    this.startingCash = text(this.ledger.startingCash);
  }

  /** Returns the book that a portfolio's fills make when folded in order of arrival, valued at its newest marks. */
  static load(row: PortfolioRow, store: PortfolioStore): Book {
    const book = new Book(row);
    for (const fill of store.fills(row.portfolio_id)) {
      book.ledger.apply(fill);
      book.fills++;
    }
    for (const { symbol, price, ts_us } of store.marks(row.portfolio_id))
      book.ledger.mark(symbol, price, ts_us);
    return book;
  }

  /** Event time of a message that tells the present state. */
  get asOfUs(): number {
    return this.valuedUs ?? this.createdUs;
  }

  valuation(): Valuation {
    const snapshot = this.ledger.snapshot();
    return {
      portfolio_id: this.id,
      starting_cash: this.startingCash,
      fills: this.fills,
      ...snapshot,
      positions: snapshot.positions as Valuation['positions'],
    };
  }
}
