// The Portfolio engine through its port and the bus: live, in a replay, over a restart.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Bus } from '../../src/bus/client.ts';
import { EngineStream } from '../../src/bus/stream.ts';
import { type BodyOf, topics } from '../../src/bus/topics.ts';
import { Ledger } from '../../src/trading/ledger.ts';
import { runLockstep, TestEngine, testSpec, walkBars } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import definition from './index.ts';

type FillBody = BodyOf<typeof topics.fills>;
type Valuation = BodyOf<typeof topics.valuations>;

const START_US = 1_640_991_660_000_000;
const atMinute = (minute: number) => START_US + minute * 60_000_000;

function fill(over: Partial<FillBody> & { fill_id: string }): FillBody {
  return {
    order_id: `order-${over.fill_id}`,
    portfolio_id: 'portfolio_sim',
    symbol: 'AAA',
    side: 'buy',
    quantity: '2',
    price: '100.10',
    fee: '0.1',
    ts_event_us: START_US,
    ...over,
  };
}

async function sendFill(engine: TestEngine, body: FillBody): Promise<void> {
  await engine.append(topics.fills, body, { tsEventUs: body.ts_event_us, correlationId: 'cause' });
}

function sendBar(engine: TestEngine, symbol: string, close: number, minute: number): string {
  const bar = { symbol, interval_us: 60_000_000, open: close, high: close, low: close, close, volume: 1 };
  const body = { ...bar, ts_event_us: atMinute(minute), source: 'simulated' };
  return engine.bus.publish(topics.marketLiveData, body, { tsEventUs: body.ts_event_us }).id;
}

function sayStarted(engine: TestEngine, name: string, pid: number): void {
  const rest = { port: 8100, status: 'healthy' as const, missing: [], version: '1', uptime_s: 0 };
  engine.bus.publish(topics.presence, { engine: name, pid, rss_bytes: 1, lockstep: true, ...rest });
}

describe('portfolio engine, live', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start(definition);
  });
  afterAll(() => engine.stop());

  const of = (id: string) => engine.messages(topics.valuations).filter((e) => e.body.portfolio_id === id);

  test('has two portfolios without history from its first start', async () => {
    const { status, body } = await engine.get('/portfolios');
    expect(status).toBe(200);
    const seed = { starting_cash: '1000000', equity: '1000000', fills: 0 };
    expect(body).toEqual({
      portfolios: [
        { portfolio_id: 'portfolio_001', name: 'Paper portfolio', ...seed },
        { portfolio_id: 'portfolio_sim', name: 'Simulated market', ...seed },
      ],
      total: 2,
    });
  });

  test('books a fill once, however often it comes, and tells the new valuation', async () => {
    await sendFill(engine, fill({ fill_id: 'f1' }));
    await sendFill(engine, fill({ fill_id: 'f1' }));
    await eventually(() => of('portfolio_sim').length === 1, 'a valuation');
    await sendFill(engine, fill({ fill_id: 'f1' }));
    await sendFill(
      engine,
      fill({ fill_id: 'f2', symbol: 'BBB', side: 'sell', quantity: '0.5', price: '10' }),
    );
    await eventually(() => of('portfolio_sim').length === 2, 'a second valuation');
    const [first, second] = of('portfolio_sim');
    expect(first).toMatchObject({ ts_event_us: START_US, correlation_id: 'cause' });
    expect(first!.body).toMatchObject({ cash: '999799.7', fees: '0.1', equity: '999999.9', fills: 1 });
    expect(second!.body).toMatchObject({ cash: '999804.6', fees: '0.2', equity: '999999.8', fills: 2 });
  });

  test('values every portfolio that has fills in a symbol when its bar comes, and no other', async () => {
    const before = engine.messages(topics.valuations).length;
    sendBar(engine, 'CCC', 1, 1);
    const id = sendBar(engine, 'AAA', 101.1, 1);
    await engine.received(topics.valuations, before + 1);
    const [message, ...more] = engine.messages(topics.valuations).slice(before);
    expect(more).toEqual([]);
    expect(message).toMatchObject({ ts_event_us: atMinute(1), correlation_id: id });
    expect(message!.body).toMatchObject({ portfolio_id: 'portfolio_sim', unrealised_pnl: '2' });
    const snapshot = await engine.get('/portfolios/portfolio_sim');
    expect(snapshot.body).toEqual({
      name: 'Simulated market',
      ts_event_us: atMinute(1),
      ...message!.body,
    });
    expect(snapshot.body.positions[1]).toMatchObject({
      symbol: 'BBB',
      quantity: '-0.5',
      average_price: '10',
      mark_price: '10',
    });
  });

  test('keeps the newer mark when an older bar comes late, and does not send a valuation for it', async () => {
    const before = engine.messages(topics.valuations).length;
    sendBar(engine, 'AAA', 50, 0);
    sendBar(engine, 'AAA', 102.1, 2);
    await engine.received(topics.valuations, before + 1);
    expect(engine.messages(topics.valuations)[before]!.body.unrealised_pnl).toBe('4');
  });

  test('makes portfolios, and books fills that came before their portfolio', async () => {
    await sendFill(engine, fill({ fill_id: 'early', portfolio_id: 'late' }));
    await sendFill(engine, fill({ fill_id: 'next', symbol: 'BBB' }));
    await eventually(() => of('portfolio_sim').at(-1)!.body.fills === 3, 'the fill after it');
    const made = await engine.post('/portfolios', {
      portfolio_id: 'late',
      name: 'Late',
      starting_cash: '500.50',
    });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ name: 'Late', starting_cash: '500.5', cash: '300.2', fills: 1 });
    const unnamed = await engine.post('/portfolios', { name: 'Second', starting_cash: 7 });
    expect(unnamed.body.portfolio_id).toMatch(/^portfolio_[0-9a-f-]{36}$/);
    await eventually(() => of(unnamed.body.portfolio_id).length === 1, 'its first valuation');
    const page = await engine.get('/portfolios?limit=1&offset=1');
    expect(page.body).toMatchObject({ total: 4, portfolios: [{ portfolio_id: 'portfolio_001' }] });
  });

  test('pages through the fills in order of arrival', async () => {
    const first = await engine.get('/portfolios/portfolio_sim/fills?limit=2');
    expect(first.body.fills.map((f: FillBody) => f.fill_id)).toEqual(['f1', 'f2']);
    expect(first.body.fills[0]).toMatchObject({ ...fill({ fill_id: 'f1' }) });
    const rest = await engine.get(`/portfolios/portfolio_sim/fills?limit=2&after=${first.body.next_after}`);
    expect(rest.body.fills.map((f: FillBody) => f.fill_id)).toEqual(['next']);
    expect(rest.body.next_after).toBeNull();
  });

  test('tells every valuation again when another engine starts, with the same event time', async () => {
    const newest = of('portfolio_sim').at(-1)!;
    const before = of('portfolio_sim').length;
    sayStarted(engine, 'analytics', 77);
    await eventually(() => of('portfolio_sim').length === before + 1, 'the valuation again');
    const again = of('portfolio_sim').at(-1)!;
    expect([again.ts_event_us, again.body]).toEqual([newest.ts_event_us, newest.body]);
  });

  test('comes back from a restart with the same portfolios', async () => {
    const before = await engine.get('/portfolios/portfolio_sim');
    await engine.restart(definition);
    expect((await engine.get('/portfolios/portfolio_sim')).body).toEqual(before.body);
    expect((await engine.get('/portfolios')).body.total).toBe(4);
    const known = of('portfolio_sim').length;
    await sendFill(engine, fill({ fill_id: 'f1' }));
    sendBar(engine, 'AAA', 103.1, 3);
    await eventually(() => of('portfolio_sim').length > known, 'a valuation');
    expect(of('portfolio_sim').at(-1)!.body.fills).toBe(3);
  });

  test('answers bad requests with problems that name the field and never echo the value', async () => {
    const secret = 'do-not-echo-me';
    const optimize = '/portfolios/optimize/minimum-variance';
    const rows = [[0.1], [0.2], [0.15]];
    const cases: [string, unknown, number, string, string][] = [
      ['/portfolios', undefined, 422, 'invalid-option', ''],
      ['/portfolios', { name: 'x' }, 422, 'invalid-option', '/starting_cash'],
      ['/portfolios', { name: 'x', starting_cash: secret }, 422, 'invalid-option', '/starting_cash'],
      ['/portfolios', { name: 'x', starting_cash: '-1' }, 422, 'invalid-option', '/starting_cash'],
      ['/portfolios', { name: 'x', starting_cash: 1, cach: 1 }, 422, 'invalid-option', 'cach'],
      [
        '/portfolios',
        { portfolio_id: `../${secret}`, name: 'x', starting_cash: 1 },
        422,
        'invalid-option',
        '/portfolio_id',
      ],
      ['/portfolios', { portfolio_id: 'late', name: 'x', starting_cash: 1 }, 409, 'conflict', ''],
      [optimize, { symbols: ['A'] }, 422, 'invalid-option', '/returns'],
      [optimize, { symbols: [], returns: rows }, 422, 'invalid-option', '/symbols'],
      [optimize, { symbols: ['A'], returns: [[secret]] }, 422, 'invalid-option', '/returns/0/0'],
      [optimize, { symbols: ['A'], returns: [[null]] }, 422, 'invalid-option', '/returns/0/0'],
      [optimize, { symbols: ['A'], returns: rows, x: 1 }, 422, 'invalid-option', 'x'],
      [optimize, { symbols: ['A', 'B'], returns: rows }, 422, 'shape-mismatch', '/returns/0'],
      [optimize, { symbols: ['A'], returns: [[0.1]] }, 422, 'insufficient-history', ''],
    ];
    for (const [path, body, status, slug, named] of cases) {
      const answer = await engine.post(path, body);
      expect([path, body, answer.status, answer.body.type]).toEqual([
        path,
        body,
        status,
        `/problems/${slug}`,
      ]);
      expect(JSON.stringify(answer.body)).toContain(named);
      expect(JSON.stringify(answer.body)).not.toContain(secret);
    }
    for (const path of ['/portfolios/nobody', '/portfolios/nobody/fills'])
      expect((await engine.get(path)).status).toBe(404);
    for (const path of ['/portfolios?limit=0', '/portfolios?limit=x', '/portfolios/late/fills?limit=1001'])
      expect((await engine.get(path)).status).toBe(422);
    expect((await engine.get('/portfolios')).body.total).toBe(4);
  });

  test('optimises over the port, and names infinity as what it is', async () => {
    const returns = [
      [0.01, 0.02],
      [0.03, -0.01],
      [-0.02, 0.02],
      [0.01, 0.01],
    ];
    const { status, body } = await engine.post('/portfolios/optimize/minimum-variance', {
      symbols: ['A', 'B'],
      returns,
    });
    expect(status).toBe(200);
    expect(body.weights.A + body.weights.B).toBeCloseTo(1, 12);
    expect(body).toMatchObject({
      observations: 4,
      hardware_used: 'cpu',
      constraint: 'weights sum to 1; short positions allowed',
    });
    const infinite = await fetch(`${engine.url}/portfolios/optimize/minimum-variance`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"symbols":["A"],"returns":[[1e999],[0.1],[0.2]]}',
    });
    expect(await infinite.json()).toMatchObject({
      status: 422,
      type: '/problems/non-finite-input',
      errors: [{ pointer: '/returns/0/0' }],
    });
  });
});

describe('portfolio engine, replay', () => {
  let engine: TestEngine;
  let coordinator: Bus;
  let strategy: Bus;
  const bars = walkBars('BTC-PERP', 100);
  const participants = ['marketdata', 'strategy', 'portfolio'];
  const spec = (session: string, over = {}) => testSpec('portfolio', { session, participants, ...over });
  const feed = () => bars.map((bar) => ({ body: { ...bar, source: 'replay' }, tsEventUs: bar.ts_event_us }));
  const replay = (session: string, over = {}, options = {}) =>
    runLockstep(coordinator, spec(session, over), topics.marketLiveData, feed(), options);

  beforeAll(async () => {
    engine = await TestEngine.start(definition);
    coordinator = new Bus('marketdata', engine.hub.connect());
    strategy = new Bus('strategy', engine.hub.connect());
    let count = 0;
    // Buys on every tenth bar and sells half of it five bars later.
    const trader = new EngineStream(strategy, 'strategy', {
      consumes: [topics.marketLiveData],
      emits: [topics.fills],
      begin() {
        count = 0;
      },
      process(batch, publisher) {
        for (const { body, ts_event_us, correlation_id } of batch) {
          const bar = body as BodyOf<typeof topics.marketLiveData>;
          const phase = count++ % 10;
          if (!publisher.spec || (phase !== 0 && phase !== 5)) continue;
          const order = {
            fill_id: `fill-${count}`,
            portfolio_id: publisher.spec.portfolio_id,
            symbol: bar.symbol,
            side: phase === 0 ? ('buy' as const) : ('sell' as const),
            quantity: phase === 0 ? '1' : '0.5',
            price: String(bar.close),
          };
          publisher.publish(topics.fills, fill({ ...order, ts_event_us }), ts_event_us, correlation_id);
        }
      },
    });
    await trader.start();
  });
  afterAll(async () => {
    await strategy.close();
    await coordinator.close();
    await engine.stop();
  });

  const of = (session: string) => engine.messages(topics.valuations).filter((e) => e.session === session);

  test('values the portfolio once at each bar, after the fills of its event time', async () => {
    const outcome = await replay('one');
    const valuations = of('one');
    const sent = engine.messages(topics.marketLiveData).filter((e) => e.session === 'one');
    expect(valuations.map((v) => [v.ts_event_us, v.correlation_id])).toEqual(
      sent.map((bar) => [bar.ts_event_us, bar.id]),
    );
    const ledger = new Ledger('portfolio_001', '1000000');
    const fills = engine.messages(topics.fills).filter((e) => e.session === 'one');
    let applied = 0;
    const expected = bars.map((bar) => {
      while (fills[applied]?.ts_event_us === bar.ts_event_us) ledger.apply(fills[applied++]!.body);
      ledger.mark(bar.symbol, bar.close, bar.ts_event_us);
      return {
        portfolio_id: 'portfolio_001',
        starting_cash: '1000000',
        fills: applied,
        ...ledger.snapshot(),
      };
    });
    expect(valuations.map((v) => v.body)).toEqual(expected as unknown as Valuation[]);
    expect(outcome.summaries.portfolio).toEqual({ ledger: { ...ledger.snapshot() }, fills: 20 });
    expect((await engine.get('/portfolios/portfolio_001')).body).toMatchObject({
      ...expected.at(-1)!,
      ts_event_us: bars.at(-1)!.ts_event_us,
    });
  });

  test('refuses a portfolio that has history, unless it is to be reset', async () => {
    await expect(replay('two')).rejects.toThrow(
      'portfolio: portfolio_001 already has history (20 fills): reset it first (--reset)',
    );
    const again = await replay('three', { reset: true, starting_cash: '5000' }, { barrierEvents: 7 });
    expect(again.summaries.portfolio).toMatchObject({ fills: 20 });
    expect((await engine.get('/portfolios/portfolio_001')).body).toMatchObject({
      name: 'Paper portfolio',
      starting_cash: '5000',
      fills: 20,
    });
  });

  test('gives the same valuations whatever the size of the barrier', async () => {
    await replay('four', { reset: true }, { barrierEvents: 1 });
    await replay('five', { reset: true }, { barrierEvents: 64, inFlight: 1 });
    const bodies = (session: string) => of(session).map((v) => v.body);
    expect(bodies('four')).toEqual(bodies('one'));
    expect(bodies('five')).toEqual(bodies('one'));
  });

  test('makes the portfolio of a replay when it is absent, with the cash that the replay says', async () => {
    await replay('six', { portfolio_id: 'fresh', starting_cash: '1234.5' });
    expect((await engine.get('/portfolios/fresh')).body).toMatchObject({
      name: 'fresh',
      starting_cash: '1234.5',
      fills: 20,
    });
  });

  test('gives a portfolio without history the starting cash of its replay', async () => {
    await replay('seven', { portfolio_id: 'portfolio_sim', starting_cash: '7' });
    expect((await engine.get('/portfolios/portfolio_sim')).body.starting_cash).toBe('7');
  });

  test('comes back from a restart after a replay with the same portfolio', async () => {
    const before = await engine.get('/portfolios/portfolio_001');
    await engine.restart(definition);
    expect((await engine.get('/portfolios/portfolio_001')).body).toEqual(before.body);
  });
});
