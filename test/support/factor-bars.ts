// Bars for the tests of the Factor engine, and their way to it.
import { topics } from '../../src/bus/topics.ts';
import type { Bar } from '../../src/market/bar.ts';
import type { TestEngine } from './engine.ts';
import { eventually } from './eventually.ts';

/** Publishes bars as live ones. */
export function publishBars(engine: TestEngine, bars: readonly Bar[], source = 'simulated'): void {
  for (const b of bars)
    engine.bus.publish(topics.marketLiveData, { ...b, source }, { tsEventUs: b.ts_event_us });
}

/** Resolves when the engine has seen `count` bars of a symbol. */
export async function seenBars(engine: TestEngine, symbol: string, count: number): Promise<void> {
  await eventually(async () => {
    const { body } = await engine.get(`/factors/values?symbols=${symbol}`);
    return body.values?.[0]?.bars === count;
  }, `${count} bars of ${symbol}`);
}
