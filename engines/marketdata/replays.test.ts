// Replays of stored bars around their end: what is stored of them is not lost with the engine.
import { expect, test } from 'bun:test';
import { Replays, type ReplaysParts } from './replays.ts';
import type { ReplayRequest } from './schemas.ts';

test('wait at the stop of the engine until the end of the last one is stored, also when it has just ended', async () => {
  const stored = Promise.withResolvers<void>();
  const none = new Float64Array(0);
  const columns = { tsUs: none, open: none, high: none, low: none, close: none, volume: none };
  const parts = {
    context: { bus: { source: 'marketdata' }, clock: { nowUs: () => 0 } },
    bars: async () => ({ sourceOf: async () => 'file', count: async () => 1, read: async () => columns }),
    feed: { history: () => undefined },
    watch: { alive: () => [{ engine: 'portfolio', lockstep: true }] },
    other: { active: undefined },
    store: { past: [], begin: async () => () => stored.promise },
    isLive: () => false,
  };
  const replays = new Replays(parts as unknown as ReplaysParts);
  const request = { symbol: 'X', mode: 'paced', speed: 1 } as ReplayRequest;
  const { replay_id } = await replays.start(request, 60_000_000);
  expect(replays.get(replay_id).state).toBe('done');
  let isStopped = false;
  const stopped = replays.stop().then(() => {
    isStopped = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isStopped).toBe(false);
  stored.resolve();
  await stopped;
});
