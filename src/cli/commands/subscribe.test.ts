// What `nautilus subscribe` prints, and how `nautilus replay --speed` is understood; then both on running engines.
import { describe, expect, test } from 'bun:test';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { capturePath } from '../../../test/support/captures.ts';
import { nautilus, TestSystem } from '../../../test/support/system.ts';
import { topics } from '../../bus/topics.ts';
import { requestOf } from './replay-paced.ts';
import { recordsOf, subscribeCommand } from './subscribe.ts';

const capture = capturePath('spot');
const missing = capture === null ? ' (skipped: no ../shared/data)' : '';

test('prints one object for each record, with what its body says of all', () => {
  const { name: topic } = topics.marketTrades;
  const body = { symbol: 'A', source: 'kraken', trades: [{ price: '1' }, { price: '2' }] };
  expect(recordsOf({ topic, body }, ['quotes', 'trades'])).toEqual([
    { kind: 'trade', symbol: 'A', source: 'kraken', price: '1' },
    { kind: 'trade', symbol: 'A', source: 'kraken', price: '2' },
  ]);
  expect(recordsOf({ topic, body }, ['book'])).toEqual([]);
  const book = { symbol: 'A', source: 'kraken', state: 'stale', bids: [], deltas: [{}] };
  const { deltas: _, ...best } = book;
  expect(recordsOf({ topic: topics.marketBooks.name, body: book }, ['book'])).toEqual([
    { kind: 'book', ...best },
  ]);
});

test('understands the options of a paced replay, and refuses what they are not', () => {
  expect(requestOf('x.gz', { speed: '20', kinds: 'trades,book', from: '2024-08-08', paused: true })).toEqual({
    mode: 'paced',
    capture: 'x.gz',
    kinds: ['trades', 'book'],
    from_us: 1_723_075_200_000_000,
    speed: 20,
    paused: true,
  });
  expect(requestOf(undefined, { symbol: 'A,B', speed: 'max' })).toMatchObject({
    symbols: ['A', 'B'],
    speed: 'max',
  });
  for (const options of [{ speed: '' }, { speed: 'fast' }, { from: 'yesterday' }])
    expect(() => requestOf('x', options)).toThrow('Expected');
  expect(() => requestOf(undefined, { speed: 'max' })).toThrow('--symbol');
});

test.each([{ kinds: 'trades,toString' }, { kinds: 'trades', count: '1.5' }, { kinds: 'trades', count: '0' }])(
  'refuses %o before it connects',
  async (options) => {
    await expect(subscribeCommand('A', options)).rejects.toThrow(/^Expected (kinds of|an integer)/);
  },
);

describe.skipIf(capture === null)(`on running engines${missing}`, () => {
  test('records of a replay are printed as they come; both commands end by themselves', async () => {
    const system = await TestSystem.start(['--only', 'marketdata,websocket']);
    try {
      mkdirSync(join(system.dataDir, 'import'));
      const file = join(system.dataDir, 'import', 'spot.gz');
      copyFileSync(capture!, file);
      const listen = ['subscribe', 'BTCUSDT', '--listen', '--kinds', 'trades', '--count', '10'];
      const printed = nautilus(listen, system.env);
      let ended = false;
      void printed.then(() => {
        ended = true;
      });
      // Replays follow each other until the reader, who needs some time to start, has what it wants.
      let replayed = await system.run([
        'replay',
        file,
        '--speed',
        'max',
        '--to',
        '2024-08-08T23:54:30Z',
        '--json',
      ]);
      while (!ended && replayed.code === 0)
        replayed = await system.run([
          'replay',
          file,
          '--speed',
          'max',
          '--to',
          '2024-08-08T23:54:30Z',
          '--json',
        ]);
      expect(replayed).toMatchObject({ code: 0, stderr: '' });
      const reply = JSON.parse(replayed.stdout);
      expect(reply).toMatchObject({ state: 'done', symbols: ['BTCUSDT'], unreadable: { rejected: 0 } });
      const { stdout, code } = await printed;
      expect(code).toBe(0);
      const records = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(records).toHaveLength(10);
      for (const record of records)
        expect(record).toMatchObject({ kind: 'trade', symbol: 'BTCUSDT', source: 'replay', flags: [] });
      const refused = await system.run(['replay', '/etc/passwd', '--speed', 'max']);
      expect(refused.code).toBe(2);
      expect(refused.stderr).toContain('import folder');
    } finally {
      await system.stop();
    }
  });
});
