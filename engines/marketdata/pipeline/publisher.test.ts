// When the publisher hands on what was added: at the end of a turn, and within a long one.
import { expect, test } from 'bun:test';
import { Bus } from '../../../src/bus/client.ts';
import { MemoryHub } from '../../../src/bus/memory.ts';
import { topics } from '../../../src/bus/topics.ts';
import { ManualClock } from '../../../src/core/clock.ts';
import { Publisher } from './publisher.ts';
import { ScriptedSource } from './test-source.ts';

async function rig() {
  const clock = new ManualClock(1_000_000);
  const hub = new MemoryHub();
  const [bus, reader] = [new Bus('marketdata', hub.connect(), { clock }), new Bus('reader', hub.connect())];
  const bodies: string[][] = [];
  await reader.subscribe(topics.marketTrades, (batch) => {
    for (const { body } of batch)
      bodies.push((body as { trades: { id: string }[] }).trades.map(({ id }) => id));
  });
  const source = new ScriptedSource('test');
  const publisher = new Publisher({ bus });
  const add = (id: string) => publisher.add(source.trade(clock.nowUs(), 100, { id }));
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { clock, bodies, add, turn };
}

test('what a turn adds goes out at its end as one body', async () => {
  const { bodies, add, turn } = await rig();
  for (const id of ['1', '2', '3']) add(id);
  await Promise.resolve();
  expect(bodies).toEqual([]);
  await turn();
  expect(bodies).toEqual([['1', '2', '3']]);
});

test('a turn that takes longer holds nothing back until its end, and the next record waits anew', async () => {
  const { clock, bodies, add, turn } = await rig();
  add('1');
  clock.advance(200);
  add('2');
  clock.advance(100);
  add('3');
  await Promise.resolve();
  expect(bodies).toEqual([['1', '2', '3']]);
  add('4');
  clock.advance(250);
  add('5');
  await Promise.resolve();
  expect(bodies).toHaveLength(1);
  await turn();
  expect(bodies).toEqual([
    ['1', '2', '3'],
    ['4', '5'],
  ]);
});
