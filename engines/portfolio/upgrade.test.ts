// A database from before durable events: everything in it goes on, and a fill that it has counts no second time.
import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { topics } from '../../src/bus/topics.ts';
import { migrationSql } from '../../src/store/database.ts';
import { TestEngine } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { logged } from '../../test/support/stores.ts';
import definition from './index.ts';
import { MIGRATIONS } from './migrations.ts';

test('a database of the version before keeps portfolios, fills and marks', async () => {
  const engine = new TestEngine();
  const db = new Database(join(engine.dataDir, 'portfolio.sqlite'), { create: true });
  db.run(migrationSql(MIGRATIONS[0]!, 'sqlite'));
  db.run('PRAGMA user_version = 1');
  db.run("INSERT INTO portfolios VALUES ('p', 'Old', '1000', 1, 60)");
  const fill = {
    fill_id: 'a',
    order_id: 'o',
    portfolio_id: 'p',
    symbol: 'AAA',
    side: 'buy' as const,
    quantity: '2',
    price: '100',
    fee: '1',
    ts_event_us: 50,
  };
  db.run(
    `INSERT INTO fills (fill_id, order_id, portfolio_id, symbol, side, quantity, price, fee, ts_event_us)
     VALUES ('a', 'o', 'p', 'AAA', 'buy', '2', '100', '1', 50)`,
  );
  db.run("INSERT INTO marks VALUES ('p', 'AAA', '110', 60)");
  db.close();

  await engine.restart(definition);
  const read = async () => (await engine.get('/portfolios/p')).body;
  expect((await engine.get('/portfolios')).body.total).toBe(1);
  expect(await read()).toMatchObject({ name: 'Old', cash: '799', unrealised_pnl: '20', ts_event_us: 60 });
  await engine.append(topics.fills, fill);
  await engine.append(topics.fills, { ...fill, fill_id: 'b' });
  await eventually(async () => (await logged(engine, topics.positions)).length > 0, 'the new fill');
  expect(await read()).toMatchObject({ cash: '598', fills: 2 });
  expect((await logged(engine, topics.positions)).map((e) => e.body.fill_id)).toEqual(['b']);
  await engine.stop();
});
