// The Risk engine on a database from before there were events.
import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { Elysia } from 'elysia';
import { topics } from '../../src/bus/topics.ts';
import { limitsSchema } from '../../src/trading/limits.ts';
import { TestEngine } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { publishValuation } from '../../test/support/risk-messages.ts';
import { logged } from '../../test/support/stores.ts';
import definition from './index.ts';
import { PortfolioBook } from './lib/book.ts';
import { MIGRATIONS } from './lib/store.ts';

const SQLITE = { DATABASE_URL: '' };

test('tells the limits of every known portfolio once, and goes on with what is stored', async () => {
  const { name, port, title, description } = definition;
  // The first version of the engine stands for one that has written its file.
  const first = { name, port, title, description, create: () => ({ routes: new Elysia() }) };
  const engine = await TestEngine.start(first, SQLITE);
  const old = new Database(join(engine.dataDir, 'risk.sqlite'), { create: true });
  old.run((MIGRATIONS[0] as { sqlite: string }).sqlite);
  old.run('PRAGMA user_version = 1');
  const limits = { ...limitsSchema.parse({}), max_drawdown: 0.4 };
  for (const id of ['a', 'b', 'c']) {
    old.query('INSERT INTO books VALUES (?, ?)').run(id, new PortfolioBook('1000000').serialise());
  }
  old.query('INSERT INTO limits VALUES (?, ?)').run('b', JSON.stringify(limits));
  old.close();

  await engine.restart(definition, SQLITE);
  const told = () => logged(engine, topics.riskLimits);
  await eventually(async () => (await told()).length >= 3, 'three events are in the log');
  await engine.restart(definition, SQLITE);
  await publishValuation(engine, 'a', { equity: '900000' });
  expect((await engine.post('/risk/check/a')).body).toMatchObject({ peak_equity: '1000000', drawdown: 0.1 });
  await engine.restart(definition, SQLITE);
  const all = new Map((await told()).map((e) => [e.body.portfolio_id, e.body.limits.max_drawdown]));
  expect(await told()).toHaveLength(3);
  expect(all).toEqual(
    new Map([
      ['a', 0.2],
      ['b', 0.4],
      ['c', 0.2],
    ]),
  );
  await engine.stop();
});
