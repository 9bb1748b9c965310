// A market of daily bars for tests of whole systems: imported and played onto the live stream, over REST.
import { walkBars } from './engine.ts';
import { eventually } from './eventually.ts';
import { barsFile, type TestSystem } from './system.ts';

const DAY_US = 86_400_000_000;
const START_US = 1_640_995_200_000_000;

/** Imports daily bars of each symbol and plays them onto the live stream. */
export async function playDailyBars(
  system: TestSystem,
  symbols: readonly string[],
  count: number,
): Promise<void> {
  for (const [i, symbol] of symbols.entries()) {
    const bars = walkBars(symbol, count + i).slice(i);
    const daily = bars.map((bar, day) => ({ ...bar, ts_event_us: START_US + day * DAY_US, volume: 1e6 }));
    const { code, stderr } = await system.run([
      'import',
      barsFile(system.dataDir, daily),
      '--symbol',
      symbol,
    ]);
    if (code !== 0) throw new Error(stderr);
    const { body } = await system.post('marketdata', '/replays', { symbol, mode: 'paced', speed: 1_000_000 });
    const isOver = async () => (await system.request('marketdata', body.progress_url)).body.state === 'done';
    await eventually(isOver, `the bars of ${symbol}`);
  }
}
