// A trading day for the operator page: what nine engines would publish, made from a seeded walk.
import type { Bus } from '../../src/bus/client.ts';
import { type BodyOf, topics } from '../../src/bus/topics.ts';
import { walkBars } from '../support/engine.ts';

type Presence = BodyOf<typeof topics.presence>;

const ENGINES: readonly (readonly [name: string, port: number])[] = [
  ['analytics', 8100],
  ['risk', 8200],
  ['factor', 8300],
  ['ml', 8400],
  ['features', 8500],
  ['websocket', 8600],
  ['strategy', 8700],
  ['marketdata', 8800],
  ['portfolio', 8900],
];
const PORTFOLIO = 'portfolio_sim';
const CASH = 1_000_000;
// Ends between a purchase and its sale, so that a position is open.
const BARS = 225;

/** Publishes that all nine engines live; `over` changes single ones. */
export function publishPresence(bus: Bus, over: Record<string, Partial<Presence>> = {}): void {
  ENGINES.forEach(([engine, port], i) => {
    bus.publish(topics.presence, {
      engine,
      port,
      pid: 4000 + i,
      status: 'healthy',
      missing: [],
      version: '0.1.0',
      uptime_s: 3723,
      rss_bytes: (48 + i * 5) * 1e6,
      lockstep: true,
      ...over[engine],
    });
  });
}

/** Publishes bars of three instruments that end now, and what a strategy made of the first. Returns the last state. */
export function publishDay(bus: Bus): { close: number; equity: string; fills: number } {
  const start = (Math.floor(Date.now() / 1000) - BARS) * 1e6;
  for (const symbol of ['ETH-SIM', 'SOL-SIM']) publishBars(bus, symbol, start);
  const bars = publishBars(bus, 'BTC-SIM', start);
  let quantity = 0;
  let cash = CASH;
  let fees = 0;
  let average = 0;
  let realised = 0;
  let fills = 0;
  let peak = CASH;
  let drawdown = 0;
  let equity = '';
  bars.forEach((bar, i) => {
    const meta = { tsEventUs: bar.ts_event_us };
    const common = { portfolio_id: PORTFOLIO, symbol: bar.symbol };
    if (i % 30 === 20) {
      const buy = quantity === 0;
      const size = 500;
      const order = {
        ...common,
        order_id: `o-${i}`,
        strategy: 'ma-cross',
        side: buy ? ('buy' as const) : ('sell' as const),
        type: 'market' as const,
        quantity: String(size),
        limit_price: null,
      };
      const signal = {
        strategy: 'ma-cross',
        price: bar.close,
        reason: `fast average ${buy ? 'above' : 'below'} slow`,
      };
      bus.publish(topics.signals, { ...common, ...signal, signal: buy ? 'BUY' : 'SELL' }, meta);
      bus.publish(topics.orders, { ...order, status: 'accepted', reasons: [] }, meta);
      bus.publish(topics.orders, { ...order, status: 'filled', reasons: [] }, meta);
      const fee = size * bar.close * 0.0005;
      const fill = {
        ...common,
        side: order.side,
        quantity: String(size),
        price: String(bar.close),
        fee: fee.toFixed(4),
      };
      bus.publish(
        topics.fills,
        { ...fill, fill_id: `f-${i}`, order_id: order.order_id, ts_event_us: bar.ts_event_us },
        meta,
      );
      if (!buy) realised += (bar.close - average) * size;
      average = bar.close;
      quantity += buy ? size : -size;
      cash -= (buy ? 1 : -1) * size * bar.close + fee;
      fees += fee;
      fills++;
    }
    if (i === 100) {
      bus.publish(
        topics.orders,
        {
          ...common,
          order_id: `o-${i}`,
          strategy: 'ma-cross',
          side: 'buy',
          type: 'limit',
          quantity: '90000',
          limit_price: String(bar.close),
          status: 'rejected',
          reasons: ['order notional 8,900,000 is over the limit of 500,000'],
        },
        meta,
      );
    }
    const unrealised = quantity * (bar.close - average);
    const worth = cash + quantity * bar.close;
    peak = Math.max(peak, worth);
    drawdown = Math.max(drawdown, 1 - worth / peak);
    equity = worth.toFixed(2);
    const money = { realised_pnl: realised.toFixed(2), unrealised_pnl: unrealised.toFixed(2), equity };
    const position = {
      symbol: bar.symbol,
      quantity: String(quantity),
      average_price: average.toFixed(4),
      mark_price: String(bar.close),
      market_value: (quantity * bar.close).toFixed(2),
      unrealised_pnl: money.unrealised_pnl,
      realised_pnl: money.realised_pnl,
    };
    const valuation = {
      portfolio_id: PORTFOLIO,
      starting_cash: String(CASH),
      cash: cash.toFixed(2),
      fees: fees.toFixed(2),
      ...money,
      fills,
      positions: fills > 0 ? [position] : [],
    };
    bus.publish(topics.valuations, valuation, meta);
    const figures = {
      total_return: worth / CASH - 1,
      sharpe_ratio: i > 30 ? 1.37 : null,
      max_drawdown: drawdown,
    };
    bus.publish(
      topics.analyticsMetrics,
      { portfolio_id: PORTFOLIO, observations: i + 1, ...money, ...figures },
      meta,
    );
    const limit = {
      limit: 'max_drawdown',
      value: drawdown.toFixed(4),
      threshold: '0.2',
      utilisation: drawdown / 0.2,
      status: 'ok' as const,
    };
    const risk = {
      portfolio_id: PORTFOLIO,
      status: 'ok' as const,
      equity,
      drawdown: 1 - worth / peak,
      limits: [limit],
    };
    bus.publish(topics.riskPortfolioUpdates, risk, meta);
  });
  bus.flush();
  return { close: bars.at(-1)!.close, equity, fills };
}

function publishBars(bus: Bus, symbol: string, startUs: number) {
  const second = 1_000_000;
  const bars = walkBars(symbol, BARS).map((bar, i) => ({
    ...bar,
    ts_event_us: startUs + i * second,
    interval_us: second,
    volume: 5 + ((i * 7919) % 23),
    source: 'simulated',
  }));
  for (const bar of bars) bus.publish(topics.marketLiveData, bar, { tsEventUs: bar.ts_event_us });
  return bars;
}
