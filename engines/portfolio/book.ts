// One portfolio in memory: its ledger, how many fills made it, when it was last valued.
import type { BodyOf, topics } from '../../src/bus/topics.ts';
import type { Reader } from '../../src/store/database.ts';
import { text } from '../../src/trading/decimal.ts';
import { Ledger } from '../../src/trading/ledger.ts';
import type { Fill } from '../../src/trading/orders.ts';
import type { PortfolioRow, PortfolioStore } from './store.ts';

/** Body of `portfolio.valuations`. */
export type Valuation = BodyOf<typeof topics.valuations>;

/** Body of `portfolio.positions`. */
export type PositionChange = BodyOf<typeof topics.positions>;

/** A portfolio's live state. Only the service changes it. */
export class Book {
  readonly id: string;
  readonly name: string;
  readonly createdUs: number;
  readonly ledger: Ledger;
  /** Live fills that were sent until then belong to a history that is gone; 0 when there is none. */
  readonly liveAfterUs: number;
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
    this.liveAfterUs = row.live_after_us ?? 0;
    this.ledger = new Ledger(row.portfolio_id, row.starting_cash);
    this.startingCash = text(this.ledger.startingCash);
  }

  /** Returns the book that a portfolio's fills make when folded in order of arrival, valued at its newest marks. */
  static async load(row: PortfolioRow, store: PortfolioStore, db?: Reader): Promise<Book> {
    const book = new Book(row);
    for await (const fills of store.fills(row.portfolio_id, db)) for (const fill of fills) book.apply(fill);
    for (const { symbol, price, ts_us } of await store.marks(row.portfolio_id, db))
      book.ledger.mark(symbol, price, ts_us);
    return book;
  }

  apply(fill: Fill): void {
    this.ledger.apply(fill);
    this.fills++;
  }

  /** What the fill that was applied last has made of its position. */
  positionAfter({ fill_id, symbol }: Fill): PositionChange {
    const { cash, positions } = this.ledger.snapshot();
    const { quantity, average_price, realised_pnl } = positions.find((p) => p.symbol === symbol)!;
    const { id: portfolio_id, fills } = this;
    return { portfolio_id, fill_id, fills, symbol, quantity, average_price, realised_pnl, cash };
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
