// Hot paths of one bar: what each engine does for each message, alone and in nanoseconds. The sum of these times a
// handful of messages is what a bar costs in a replay; the row that grew says where it was lost.
import { bench, do_not_optimize, run } from 'mitata';
import { EventTimeJoin } from '../../engines/strategy/event-time-join.ts';
import { Bus } from '../../src/bus/client.ts';
import { MemoryHub } from '../../src/bus/memory.ts';
import { type BodyOf, topics } from '../../src/bus/topics.ts';
import { FeatureStream } from '../../src/indicators/index.ts';
import { type Book, checkBook, checkOrder } from '../../src/trading/checks.ts';
import { Ledger } from '../../src/trading/ledger.ts';
import { limitsSchema } from '../../src/trading/limits.ts';
import { createStrategy } from '../../src/trading/strategies.ts';
import { publishBar } from '../bus/traffic.ts';
import { formatNs } from '../pairs.ts';
import { publish } from '../report.ts';

const SYMBOL = 'BTC-PERP';
const MINUTE_US = 60_000_000;
const FLUSH_EVERY = 64;

// Prices that change with each call, so that nothing is answered from a cache of the last one.
const closes = Float64Array.from({ length: 4096 }, (_, i) => 46_000 + Math.round(500 * Math.sin(i / 50)));
let clock = 0;
const tick = () => clock++;
const closeAt = (i: number) => closes[i & 4095]!;
const barAt = (i: number) => {
  const close = closeAt(i);
  return { open: close - 3, high: close + 10, low: close - 10, close, volume: 1000 + (i & 255) };
};

/** A publisher on the memory bus, flushed like a step of a replay, so that the outbox stays small. */
function publishing<Body>(publishOne: (bus: Bus, i: number) => Body): () => void {
  const bus = new Bus('bench', new MemoryHub().connect());
  return () => {
    const i = tick();
    do_not_optimize(publishOne(bus, i));
    if (i % FLUSH_EVERY === 0) bus.flush();
  };
}

const stream = new FeatureStream();
for (let i = 0; i < 300; i++) stream.update(barAt(tick()));
const features = stream.update(barAt(tick()))!;

const valuation: BodyOf<typeof topics.valuations> = {
  portfolio_id: 'portfolio_001',
  starting_cash: '1000000',
  cash: '900123.4567',
  fees: '17036.7202175',
  realised_pnl: '-19789.707',
  unrealised_pnl: '174.066',
  equity: '963347.6387825',
  fills: 341,
  positions: [
    {
      symbol: SYMBOL,
      quantity: '1.37',
      average_price: '46250.12345678',
      mark_price: '46377',
      market_value: '63536.49',
      unrealised_pnl: '174.066',
      realised_pnl: '-19789.707',
    },
  ],
};

bench('publish a bar: check, envelope, outbox', publishing(publishBar));
bench(
  'publish a feature vector',
  publishing((bus) =>
    bus.publish(topics.featureValues, {
      symbol: SYMBOL,
      interval_us: MINUTE_US,
      close: 46_377,
      features,
    }),
  ),
);
bench(
  'publish a valuation with one position',
  publishing((bus) => bus.publish(topics.valuations, valuation)),
);
bench('for comparison: the schema of a bar, in zod', () =>
  do_not_optimize(
    topics.marketLiveData.schema.safeParse({
      ...barAt(tick()),
      symbol: SYMBOL,
      ts_event_us: clock,
      interval_us: MINUTE_US,
      source: 'replay',
    }),
  ),
);
bench('for comparison: the schema of a valuation, in zod', () =>
  do_not_optimize(topics.valuations.schema.safeParse(valuation)),
);

bench('FeatureStream.update: twelve features', () => do_not_optimize(stream.update(barAt(tick()))));

const join = new EventTimeJoin<number, number, number>({ features: true, prediction: true }, (joined) =>
  do_not_optimize(joined),
);
bench('EventTimeJoin: bar, features, prediction', () => {
  const i = tick();
  join.onBar(SYMBOL, i, i);
  join.onFeatures(SYMBOL, i, i);
  join.onPrediction(SYMBOL, i, i);
});

const strategy = createStrategy('ma-cross');
bench('ma-cross decides on a bar', () => {
  const i = tick();
  const bar = { symbol: SYMBOL, ts_event_us: i, interval_us: MINUTE_US, ...barAt(i) };
  const input = { bar, features: { ema_50: closeAt(i) / 3, ema_200: 15_000.123 }, prediction: null };
  do_not_optimize(strategy.decide({ target: 'long' }, input));
});

const ledger = new Ledger('portfolio_001', '1000000');
ledger.apply({
  fill_id: 'f',
  order_id: 'o',
  portfolio_id: 'portfolio_001',
  symbol: SYMBOL,
  side: 'buy',
  quantity: '1.37',
  price: '46250.5',
  fee: '31.68',
  ts_event_us: 0,
});
bench('Ledger.mark of an open position', () => {
  const i = tick();
  do_not_optimize(ledger.mark(SYMBOL, closeAt(i), i));
});
bench('Ledger.mark and snapshot', () => {
  const i = tick();
  ledger.mark(SYMBOL, closeAt(i), i);
  do_not_optimize(ledger.snapshot());
});

const limits = limitsSchema.parse({});
const bookAt = (i: number): Book => ({
  equity: String(963_347 + (i & 255)),
  peak_equity: '1000000',
  positions: new Map([[SYMBOL, { quantity: '1.37', mark_price: closeAt(i) }]]),
});
const order = { symbol: SYMBOL, side: 'buy', type: 'market', quantity: '0.5' } as const;
bench('checkOrder against four limits', () => do_not_optimize(checkOrder(order, bookAt(tick()), limits)));
bench('checkBook against four limits', () => do_not_optimize(checkBook(bookAt(tick()), limits)));

const { benchmarks } = await run({ format: 'quiet' });
publish({
  title: 'Work for each message',
  note: 'One call in a loop of its own, in one process; medians of mitata. In a replay caches are colder. The row that grew says where a bar became dearer.',
  columns: ['operation', 'p50', 'p99', 'mean'],
  rows: benchmarks.flatMap(({ runs }) =>
    runs.flatMap(({ name, stats }) =>
      stats ? [[name, formatNs(stats.p50), formatNs(stats.p99), formatNs(stats.avg)]] : [],
    ),
  ),
});
