// Messages for the tests of the Risk engine, short to write, and their way to it.
import { type BodyOf, topics } from '../../src/bus/topics.ts';
import { type TestEngine, walkBars } from './engine.ts';

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

// Later than every bar of a walk, so that the marks of valuations count.
const AFTER_BARS_US = 1_700_000_000_000_000;

/** Publishes a valuation and resolves to the engine's word on it. */
export async function publishValuation(engine: TestEngine, ...args: Parameters<typeof valuation>) {
  const before = engine.messages(topics.riskPortfolioUpdates).length;
  engine.bus.publish(topics.valuations, valuation(...args), { tsEventUs: AFTER_BARS_US + before });
  return (await engine.received(topics.riskPortfolioUpdates, before + 1)).at(-1)!;
}

/** Publishes bars and resolves when the engine has seen them. */
export async function feed(engine: TestEngine, symbol: string, count: number): Promise<void> {
  for (const bar of walkBars(symbol, count)) {
    const body = { ...bar, source: 'simulated' };
    engine.bus.publish(topics.marketLiveData, body, { tsEventUs: bar.ts_event_us });
  }
  await publishValuation(engine, 'portfolio_feed');
}
