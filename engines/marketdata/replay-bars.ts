// The bars of a replay, as they are published, and their way onto the live stream at a speed.
import { type BodyOf, topics } from '../../src/bus/topics.ts';
import type { EngineContext } from '../../src/http/engine.ts';
import type { BarHistory } from './history/bars.ts';
import type { Run } from './replay-run.ts';

type LiveBar = BodyOf<typeof topics.marketLiveData>;

// Bars are read from the store in pages, so that a replay of years needs no more memory than one of days.
const PAGE_BARS = 50_000;
const YIELD_EVERY_MS = 5;

/** Reads the bars of a replay in order, ready to publish. */
export async function* readBars(
  store: BarHistory,
  { request, intervalUs, source }: Pick<Run, 'request' | 'intervalUs' | 'source'>,
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

/** Tells the bars of a replay as if they came now, at its speed, until its end or until it is aborted. */
export async function tellBars(
  { bus, clock }: Pick<EngineContext, 'bus' | 'clock'>,
  store: BarHistory,
  run: Run,
): Promise<void> {
  const startUs = clock.nowUs();
  let firstUs: number | undefined;
  let lastYield = performance.now();
  for await (const { body, tsEventUs } of readBars(store, run)) {
    firstUs ??= tsEventUs;
    const dueUs = startUs + (tsEventUs - firstUs) / run.request.speed;
    const waitMs = (dueUs - clock.nowUs()) / 1000;
    if (waitMs > 1) await sleep(waitMs, run.abort.signal);
    else if (performance.now() - lastYield > YIELD_EVERY_MS) {
      await new Promise((resolve) => setImmediate(resolve));
      lastYield = performance.now();
    }
    if (run.abort.signal.aborted) return;
    bus.publish(topics.marketLiveData, body, { tsEventUs });
    run.done++;
  }
}

// Resolves after `ms`, or when the signal fires.
function sleep(ms: number, signal: AbortSignal): Promise<void> {
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
