// The bars of a replay, as they are published, and the wait between them.
import type { BodyOf, topics } from '../../src/bus/topics.ts';
import type { BarHistory } from './history/bars.ts';
import type { ReplayRequest } from './schemas.ts';

type LiveBar = BodyOf<typeof topics.marketLiveData>;

// Bars are read from the store in pages, so that a replay of years needs no more memory than one of days.
const PAGE_BARS = 50_000;

/** Reads the bars of a replay in order, ready to publish. */
export async function* readBars(
  store: BarHistory,
  { request, intervalUs, source }: { request: ReplayRequest; intervalUs: number; source: string },
): AsyncGenerator<{ body: LiveBar; tsEventUs: number }> {
  const { symbol, to_us: toUs } = request;
  let fromUs = request.from_us;
  for (;;) {
    const page = await store.read({ symbol, intervalUs, source, fromUs, toUs, limit: PAGE_BARS });
    const n = page.tsUs.length;
    for (let i = 0; i < n; i++) {
      const tsEventUs = page.tsUs[i]!;
      const body: LiveBar = {
        symbol,
        ts_event_us: tsEventUs,
        interval_us: intervalUs,
        open: page.open[i]!,
        high: page.high[i]!,
        low: page.low[i]!,
        close: page.close[i]!,
        volume: page.volume[i]!,
        source: 'replay',
      };
      yield { body, tsEventUs };
    }
    if (n < PAGE_BARS) return;
    fromUs = page.tsUs[n - 1]! + 1;
    // A long replay must leave the loop free for requests between pages, also when nothing else makes it wait.
    if (request.mode === 'paced') await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Resolves after `ms`, or when the signal fires. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, Math.min(ms, 2 ** 31 - 1));
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}
