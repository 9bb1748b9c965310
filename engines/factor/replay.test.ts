// The Factor engine in replays.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { Bus } from '../../src/bus/client.ts';
import { runLockstep, TestEngine, testSpec, topics, walkBars } from '../../test/support/engine.ts';
import { publishBars, seenBars } from '../../test/support/factor-bars.ts';
import definition from './index.ts';

let engine: TestEngine;
beforeEach(async () => {
  engine = await TestEngine.start(definition);
});
afterEach(() => engine.stop());

describe('in a replay', () => {
  test('publishes the same for any barrier, whatever else is on the stream, and starts the symbol afresh', async () => {
    const feeder = new Bus('marketdata', engine.hub.connect());
    const bars = walkBars('BTC-PERP', 300);
    const feed = bars.map((b) => ({ body: { ...b, source: 'replay' }, tsEventUs: b.ts_event_us }));
    const outcomes: unknown[] = [];
    for (const barrierEvents of [1, 7, 64]) {
      // Live bars of another symbol at the same event times would move the market of a shared panel.
      publishBars(
        engine,
        walkBars(`OTHER${barrierEvents}`, 150).map((b) => ({ ...b, close: b.close + (b.ts_event_us % 7) })),
      );
      const session = `session-${barrierEvents}`;
      const spec = testSpec('factor', { session, participants: ['marketdata', 'factor'] });
      const { summaries } = await runLockstep(feeder, spec, topics.marketLiveData, feed, { barrierEvents });
      const published = engine.messages(topics.factorValues).filter((e) => e.session === session);
      outcomes.push(published.map((e) => [e.ts_event_us, e.body]));
      expect(summaries.factor).toEqual({ symbol: 'BTC-PERP', published: 5, cadence_bars: 60 });
    }
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(outcomes[2]).toEqual(outcomes[0]);
    expect(outcomes[0]).toHaveLength(5);
    await seenBars(engine, 'BTC-PERP', 300);
    await feeder.close();
  });

  test('keeps live bars of its symbol out until it ends, also when it is aborted', async () => {
    const feeder = new Bus('marketdata', engine.hub.connect());
    const abort = new AbortController();
    const feed = walkBars('BTC-PERP', 100).map((b) => ({
      body: { ...b, source: 'replay' },
      tsEventUs: b.ts_event_us,
    }));
    const run = runLockstep(
      feeder,
      testSpec('factor', { participants: ['marketdata', 'factor'] }),
      topics.marketLiveData,
      feed,
      { barrierEvents: 1, signal: abort.signal, onProgress: (done) => done > 20 && abort.abort() },
    );
    await expect(run).rejects.toThrow('cancelled');
    publishBars(engine, walkBars('BTC-PERP', 5));
    await seenBars(engine, 'BTC-PERP', 5);
    await feeder.close();
  });
});
