// The chain of an order goes on through the valuation, whatever comes in one batch with its fill.
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { Bus } from '../../src/bus/client.ts';
import type { Envelope } from '../../src/bus/envelope.ts';
import { MemoryHub } from '../../src/bus/memory.ts';
import { topics } from '../../src/bus/topics.ts';
import { ManualClock } from '../../src/core/clock.ts';
import type { EngineContext } from '../../src/http/engine.ts';
import { openSqlite } from '../../src/store/sqlite-database.ts';
import { MIGRATIONS } from './migrations.ts';
import { PortfolioService } from './service.ts';

const folder = mkdtempSync(join(tmpdir(), 'portfolio-'));
let made = 0;
afterAll(() => rmSync(folder, { recursive: true }));

const fill = (fill_id: string, correlation_id: string) => ({
  topic: topics.fills.name,
  ts_event_us: 60,
  ts_sent_us: 60,
  correlation_id,
  body: {
    fill_id,
    order_id: `order-${fill_id}`,
    portfolio_id: 'portfolio_sim',
    symbol: 'AAA',
    side: 'buy',
    quantity: '1',
    price: '10',
    fee: '0',
    ts_event_us: 60,
  },
});
const bar = (ts_event_us: number) => ({
  topic: topics.marketLiveData.name,
  ts_event_us,
  correlation_id: `bar-${ts_event_us}`,
  body: { symbol: 'AAA', close: 12 },
});

test.each([
  ['a fill alone', [fill('1', 'x')], [['x', 1]]],
  ['a fill and the bar that values it', [fill('1', 'x'), bar(120)], [['x', 1]]],
  [
    'a fill, its bar and the next',
    [fill('1', 'x'), bar(120), bar(180)],
    [
      ['x', 1],
      ['bar-180', 1],
    ],
  ],
  [
    'fills of two orders',
    [fill('1', 'x'), fill('2', 'y')],
    [
      ['x', 1],
      ['y', 2],
    ],
  ],
  ['two fills of one chain', [fill('1', 'x'), fill('2', 'x')], [['x', 2]]],
  [
    'fills of two orders and a bar',
    [fill('1', 'x'), fill('2', 'y'), bar(120)],
    [
      ['x', 1],
      ['y', 2],
    ],
  ],
])('%s', async (_, batch, expected) => {
  const database = openSqlite(join(folder, `${++made}.sqlite`), { engine: MIGRATIONS });
  const bus = new Bus('portfolio', new MemoryHub().connect());
  const log = pino({ level: 'silent' });
  const context = { database, bus, clock: new ManualClock(), log } as unknown as EngineContext;
  const { participant } = await PortfolioService.create(context);
  const told: [string, number][] = [];
  await database.transaction((tx) =>
    participant.process(batch as unknown as Envelope[], {
      spec: undefined,
      tx,
      publish: (topic, body, _tsEventUs, correlationId) => {
        if (topic.name !== topics.valuations.name) return;
        told.push([correlationId, (body as { fills: number }).fills]);
      },
    }),
  );
  expect(told).toEqual(expected as [string, number][]);
  await database.close();
});
