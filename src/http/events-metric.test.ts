// Metrics of durable events: what was consumed and set aside, and a database that does not answer.
import { afterEach, describe, expect, test } from 'bun:test';
import { Elysia } from 'elysia';
import { TestEngine } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { partitionOf } from '../bus/partition.ts';
import { type BodyOf, topics } from '../bus/topics.ts';
import type { EngineDefinition } from './engine.ts';
import { registerEvents } from './events-metric.ts';
import { Registry } from './prom.ts';

const definition: EngineDefinition = {
  name: 'sample',
  port: 1,
  title: 'Sample',
  description: 'An engine of the tests.',
  migrations: [],
  create: () => ({
    routes: new Elysia(),
    participant: { consumes: [topics.fills], emits: [], process: () => {} },
  }),
};

const fill: BodyOf<typeof topics.fills> = {
  fill_id: 'f1',
  order_id: 'o1',
  portfolio_id: 'p1',
  symbol: 'BTC-PERP',
  side: 'buy',
  quantity: '1',
  price: '100',
  fee: '0',
  ts_event_us: 1,
};

describe('metrics of durable events', () => {
  let engine: TestEngine | undefined;
  afterEach(() => engine?.stop());

  test('count what was applied and what was set aside, until it is discarded', async () => {
    engine = await TestEngine.start(definition);
    const lines = async () => String((await engine!.get('/metrics')).body).split('\n');
    const has = (line: string) => eventually(async () => (await lines()).includes(line), line);
    await has('nautilus_events_waiting{engine="sample"} 0');
    await has('nautilus_dead_letters{engine="sample"} 0');
    await engine.append(topics.fills, fill);
    await has('nautilus_events_consumed_total{outcome="applied",engine="sample"} 1');
    const stream = { topic: topics.fills.name, partition: partitionOf('p1') };
    await engine.hub.connectLog().append(stream, 'test', 2, ['no event']);
    await has('nautilus_dead_letters{engine="sample"} 1');
    await has('nautilus_events_consumed_total{outcome="dead_letters",engine="sample"} 1');
    expect((await engine.send('DELETE', '/events/dead-letters/1')).status).toBe(200);
    await has('nautilus_dead_letters{engine="sample"} 0');
  });

  test('leave out the dead letters while the database refuses or does not answer, and tell the rest', async () => {
    const counts = { applied: 3, duplicates: 0, retries: 0, dead_letters: 0, lost: 0 };
    const status = () => ({ log: 'hub' as const, waiting: 7, partitions: 8, counts });
    const answers = [
      async () => 4,
      () => Promise.reject(new Error('away')),
      () => new Promise<number>(() => {}),
    ];
    const registry = new Registry();
    registerEvents(registry, { status, deadLetters: { count: () => answers.shift()!() } });
    expect(await registry.metrics()).toContain('nautilus_dead_letters 4');
    for (let i = 0; i < 2; i++) {
      const text = await registry.metrics();
      expect(text).toContain('nautilus_events_waiting 7');
      expect(text).toContain('nautilus_events_consumed_total{outcome="applied"} 3');
      expect(text).not.toMatch(/^nautilus_dead_letters/m);
    }
  });
});
