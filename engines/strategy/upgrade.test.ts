// A database from before durable events: everything in it goes on, and its past is not told again.
import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { topics } from '../../src/bus/topics.ts';
import { migrationSql } from '../../src/store/database.ts';
import { TestEngine } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { LiveMarket, PORTFOLIO, SYMBOL } from '../../test/support/live-market.ts';
import { logged } from '../../test/support/stores.ts';
import { cashBase } from './book.ts';
import definition from './index.ts';
import { MIGRATIONS } from './migrations.ts';

test('a database of the version before keeps its orders and fills, and only what is new is told', async () => {
  const engine = new TestEngine();
  const db = new Database(join(engine.dataDir, 'strategy.sqlite'), { create: true });
  db.run(migrationSql(MIGRATIONS[0]!, 'sqlite'));
  db.run('PRAGMA user_version = 1');
  const { ledger, peak } = cashBase(PORTFOLIO, '1000000');
  db.run('INSERT INTO books VALUES (?, ?, ?)', [PORTFOLIO, JSON.stringify(ledger), peak]);
  db.run('INSERT INTO limits VALUES (?, ?)', [PORTFOLIO, JSON.stringify({ max_position_quantity: '5' })]);
  const order = `INSERT INTO orders (order_id, portfolio_id, symbol, side, quantity, type, limit_price, status, reasons, ts_event_us, correlation_id)
     VALUES (?, ?, ?, 'buy', '2', ?, ?, ?, '[]', 1, 'c')`;
  db.run(order, ['done', PORTFOLIO, SYMBOL, 'market', null, 'filled']);
  db.run(order, ['open', PORTFOLIO, SYMBOL, 'limit', '1000', 'accepted']);
  db.run(
    `INSERT INTO fills (fill_id, order_id, portfolio_id, symbol, side, quantity, price, fee, ts_event_us)
     VALUES ('done:1', 'done', ?, ?, 'buy', '2', '100', '0', 2)`,
    [PORTFOLIO, SYMBOL],
  );
  db.close();

  await engine.restart(definition);
  const market = new LiveMarket(engine);
  expect((await engine.get('/fills')).body.fills).toMatchObject([{ fill_id: 'done:1' }]);
  await market.advance();
  await eventually(async () => (await logged(engine, topics.fills)).length > 0, 'the new fill is told');
  expect((await logged(engine, topics.fills)).map((e) => e.body.fill_id)).toEqual(['open:1']);
  expect((await logged(engine, topics.orders)).map((e) => e.body.order_id)).toEqual(['open']);
  const buy = { portfolio_id: PORTFOLIO, symbol: SYMBOL, side: 'buy' };
  expect((await engine.post('/orders', { ...buy, quantity: '2' })).body).toMatchObject({
    limit: 'max_position_quantity',
    value: '6',
  });
  await engine.stop();
});
