// The player with a source that takes its time: what happens to a pass that is ended while it waits for records.
import { expect, test } from 'bun:test';
import { ManualTime } from '../../../src/core/timers.ts';
import type { MarketRecord } from '../../../src/market/records.ts';
import type { ReplayOutput } from './output.ts';
import { Player } from './player.ts';
import type { ReplaySource } from './source.ts';

const at = (tsEventUs: number) =>
  ({ kind: 'book_delta', symbol: 'A', source: 's', tsEventUs }) as MarketRecord;

/** A source that says its records up to `waitsAt` and then nothing until its pass is ended, as a database that is slow. */
function slowSource(records: readonly MarketRecord[], waitsAt: number) {
  const waiting = Promise.withResolvers<void>();
  const source: ReplaySource = {
    judged: true,
    timeOf: (record) => record.tsEventUs,
    unreadable: () => ({ rejected: 0, reasons: {}, damaged: null }),
    async *read(fromUs, signal) {
      yield records.filter((record) => record.tsEventUs < waitsAt);
      if (fromUs !== null && fromUs < waitsAt) return;
      const ended = new Promise((resolve) => signal.addEventListener('abort', resolve));
      waiting.resolve();
      await ended;
    },
  };
  return { source, waiting: waiting.promise };
}

function play(source: ReplaySource, fromUs: number) {
  const said: string[] = [];
  const output = {
    tellBooks: () => said.push(`books at ${player.positionUs}`),
    reset: (reason: string) => said.push(reason),
    rebuild: ({ tsEventUs }: MarketRecord) => said.push(`rebuild ${tsEventUs}`),
    take: ({ tsEventUs }: MarketRecord) => said.push(`take ${tsEventUs}`),
    flush: () => {},
  } as unknown as ReplayOutput;
  const time = new ManualTime(0);
  const options = { source, output, clock: time, timers: time, toUs: null, speed: null, paused: false };
  const player: Player = new Player({ ...options, fromUs, use: () => 'publish' });
  return { player, said, done: player.run() };
}

const RECORDS = [1, 2, 3].map(at);

test('tells of no book of a place that it only passed when it is cancelled on its way', async () => {
  const { source, waiting } = slowSource(RECORDS, 3);
  const { player, said, done } = play(source, 3);
  await waiting;
  player.cancel();
  await done;
  expect(player.state).toBe('cancelled');
  expect(said).toEqual(['rebuild 1', 'rebuild 2', 'replay ended']);
});

test('tells of no book of a place that it only passed when it is moved on its way', async () => {
  const { source, waiting } = slowSource(RECORDS, 3);
  const { player, said, done } = play(source, 3);
  await waiting;
  player.seek(2);
  await done;
  expect(player.state).toBe('done');
  expect(said).toEqual([
    'rebuild 1',
    'rebuild 2',
    'seek',
    'rebuild 1',
    'books at 2',
    'take 2',
    'replay ended',
  ]);
});
