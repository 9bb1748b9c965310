// Messages for the tests of the Risk engine, short to write.
import type { BodyOf, topics } from '../../src/bus/topics.ts';

type Valuation = BodyOf<typeof topics.valuations>;

interface Given {
  readonly equity?: string;
  readonly fills?: number;
  readonly positions?: readonly { symbol: string; quantity: string; mark: string }[];
}

/** A valuation of a portfolio that began with a million; what is not given is zero. */
export function valuation(
  portfolioId: string,
  { equity = '1000000', fills = 0, positions = [] }: Given = {},
): Valuation {
  return {
    portfolio_id: portfolioId,
    starting_cash: '1000000',
    cash: '0',
    fees: '0',
    realised_pnl: '0',
    unrealised_pnl: '0',
    equity,
    fills,
    positions: positions.map(({ symbol, quantity, mark }) => ({
      symbol,
      quantity,
      average_price: '1',
      mark_price: mark,
      market_value: String(Number(quantity) * Number(mark)),
      unrealised_pnl: '0',
      realised_pnl: '0',
    })),
  };
}

/** One state of an order to buy 0.2 BTC. */
export function orderEvent(
  portfolioId: string,
  orderId: string,
  status: BodyOf<typeof topics.orders>['status'],
): BodyOf<typeof topics.orders> {
  return {
    order_id: orderId,
    portfolio_id: portfolioId,
    strategy: null,
    symbol: 'BTC',
    side: 'buy',
    type: 'market',
    quantity: '0.2',
    limit_price: null,
    status,
    reasons: [],
  };
}
