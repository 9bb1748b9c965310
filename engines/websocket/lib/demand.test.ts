// Topics on demand: subscribed to while somebody wants them, once however many do, and never twice at a time.
import { afterEach, expect, test } from 'bun:test';
import fc from 'fast-check';
import { Bus } from '../../../src/bus/client.ts';
import type { Envelope } from '../../../src/bus/envelope.ts';
import type { Transport, TransportSink } from '../../../src/bus/transport.ts';
import { Demand } from './demand.ts';

/** Confirms subscriptions only when it is told to, as a bus that is far away. */
class SlowTransport implements Transport {
  readonly kind = 'memory';
  connected = true;
  readonly patterns = new Set<string>();
  #sink: TransportSink | undefined;
  #confirm: (() => void)[] = [];

  start(sink: TransportSink): void {
    this.#sink = sink;
  }
  send(): boolean {
    return true;
  }
  subscribe(pattern: string): Promise<void> {
    this.patterns.add(pattern);
    return new Promise((resolve) => this.#confirm.push(resolve));
  }
  async unsubscribe(pattern: string): Promise<void> {
    this.patterns.delete(pattern);
  }
  async close(): Promise<void> {}

  async confirm(): Promise<void> {
    for (const resolve of this.#confirm.splice(0)) resolve();
    await turn();
  }

  publish(topic: string): void {
    if (this.patterns.has(topic)) this.#sink?.onBatch(topic, [{ topic } as Envelope]);
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

let bus: Bus;
afterEach(() => bus.close());

function rig() {
  const transport = new SlowTransport();
  bus = new Bus('test', transport);
  const got: string[] = [];
  const demand = new Demand(bus, ['a', 'b', 'c'], (batch) => void got.push(...batch.map((e) => e.topic)));
  return { transport, demand, got };
}

test('subscribes with the first who wants a topic and ends with the last; other topics are not its own', async () => {
  const { transport, demand, got } = rig();
  demand.want(['a', 'b', 'x']);
  demand.want(['a']);
  await transport.confirm();
  expect([...transport.patterns]).toEqual(['a', 'b']);
  for (const topic of ['a', 'b', 'c', 'x']) transport.publish(topic);
  demand.release(['a', 'b', 'x']);
  await turn();
  expect([got, demand.open]).toEqual([['a', 'b'], ['a']]);
  demand.release(['a']);
  await turn();
  expect([[...transport.patterns], demand.open]).toEqual([[], []]);
});

test('says when messages come: not before the bus has confirmed, at once where they come already or the bus is away', async () => {
  const { transport, demand } = rig();
  demand.want(['a']);
  let isReady = false;
  const ready = demand.ready(['a'])!.then(() => {
    isReady = true;
  });
  await turn();
  expect(isReady).toBe(false);
  await transport.confirm();
  await ready;
  expect(demand.ready(['a', 'x'])).toBeUndefined();
  demand.want(['b']);
  transport.connected = false;
  expect(demand.ready(['b'])).toBeUndefined();
});

test('whoever comes and goes in whatever order: every topic that is wanted comes exactly once, and nothing stays behind', async () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ does: fc.constant('toggle' as const), topic: fc.constantFrom('a', 'b'), who: fc.nat(2) }),
      fc.constantFrom({ does: 'confirm' as const }, { does: 'turn' as const }),
    ),
    { maxLength: 30 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const { transport, demand, got } = rig();
      const wanted = new Map<string, string>();
      for (const step of all) {
        if (step.does === 'confirm') await transport.confirm();
        else if (step.does === 'turn') await turn();
        else {
          const key = `${step.topic} ${step.who}`;
          if (wanted.delete(key)) demand.release([step.topic]);
          else {
            wanted.set(key, step.topic);
            demand.want([step.topic]);
          }
        }
      }
      await transport.confirm();
      transport.publish('a');
      transport.publish('b');
      await turn();
      const expected = [...new Set(wanted.values())].sort();
      expect([got.sort(), [...transport.patterns].sort()]).toEqual([expected, expected]);
      for (const topic of wanted.values()) demand.release([topic]);
      await turn();
      expect([demand.open, transport.patterns.size]).toEqual([[], 0]);
    }),
    { numRuns: 100 },
  );
});
