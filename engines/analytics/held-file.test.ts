// The Analytics engine while another process is paused in the middle of a transaction of its file: no valuation is missed.
import { expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { type BodyOf, topics } from '../../src/bus/topics.ts';
import { TestEngine } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { LockHolder } from '../../test/support/lock-holder.ts';
import definition from './index.ts';

setDefaultTimeout(60_000);

const START_US = 1_640_991_660_000_000;
const MINUTE_US = 60_000_000;
const PORTFOLIOS = ['p', 'q'];

test('valuations that cannot be stored are kept in order, health says so, and all are in the curve in the end', async () => {
  const engine = await TestEngine.start(definition, { DATABASE_URL: '' });
  let minute = 0;
  const tell = (count: number) => {
    const figures = {
      cash: '500',
      fees: '0',
      realised_pnl: '0',
      unrealised_pnl: '0',
      positions: [],
      fills: 1,
    };
    for (let i = 0; i < count; i++) {
      const meta = { tsEventUs: START_US + minute++ * MINUTE_US };
      for (const portfolio_id of PORTFOLIOS) {
        const body: BodyOf<typeof topics.valuations> = {
          portfolio_id,
          starting_cash: '1000',
          equity: `${1000 + minute}`,
          ...figures,
        };
        engine.bus.publish(topics.valuations, body, meta);
      }
      engine.bus.flush();
    }
  };
  const status = async () => (await engine.get('/system/status')).body;
  let holder: LockHolder | undefined;
  try {
    tell(3);
    await engine.received(topics.analyticsMetrics, 6);
    holder = await LockHolder.pausedIn(join(engine.dataDir, 'analytics.sqlite'));
    for (let i = 0; i < 10; i++) tell(1);
    await eventually(async () => (await status()).postponed.waiting === 20, 'all wait');
    tell(10);
    await eventually(async () => (await status()).postponed.waiting === 40, 'later ones wait behind them');
    expect((await engine.get('/health')).body).toMatchObject({ status: 'degraded', missing: ['database'] });
    await holder.end();
    await engine.received(topics.analyticsMetrics, 46);
    tell(1);
    await engine.received(topics.analyticsMetrics, 48);
    for (const id of PORTFOLIOS) {
      const { points } = (await engine.get(`/analytics/${id}/equity`)).body;
      expect(points.map((point: { equity: number }) => point.equity)).toEqual(
        Array.from({ length: 24 }, (_, i) => 1001 + i),
      );
    }
    expect(engine.messages(topics.analyticsMetrics)).toHaveLength(48);
    expect((await status()).postponed).toEqual({ waiting: 0, handled: 40, dropped: 0 });
    await eventually(async () => (await engine.get('/health')).body.status === 'healthy', 'healthy again');
  } finally {
    await holder?.end();
    await engine.stop();
  }
});
