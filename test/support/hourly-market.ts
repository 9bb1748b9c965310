// A market of hourly bars for tests of whole systems: imported and played onto the live stream, over REST.
import { walkBars } from './engine.ts';
import { eventually } from './eventually.ts';
import { barsFile, type TestSystem } from './system.ts';

const HOUR_US = 3_600_000_000;
const START_US = 1_640_995_200_000_000;

/** Imports hourly bars of each symbol and plays them onto the live stream. */
export async function playHourlyBars(
  system: TestSystem,
  symbols: readonly string[],
  count: number,
): Promise<void> {
  for (const [i, symbol] of symbols.entries()) {
    const bars = walkBars(symbol, count + i).slice(i);
    const hourly = bars.map((bar, hour) => ({ ...bar, ts_event_us: START_US + hour * HOUR_US, volume: 1e6 }));
    const { code, stderr } = await system.run([
      'import',
      barsFile(system.dataDir, hourly),
      '--symbol',
      symbol,
    ]);
    if (code !== 0) throw new Error(stderr);
    const { body } = await system.post('marketdata', '/replays', { symbol, mode: 'paced', speed: 1_000_000 });
    const isOver = async () => (await system.request('marketdata', body.progress_url)).body.state === 'done';
    await eventually(isOver, `the bars of ${symbol}`);
  }
}
