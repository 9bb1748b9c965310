// Events that end the process of their consumer each time, by real means: one waits for ever, one blocks the thread, one crashes it.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Bus } from '../../src/bus/client.ts';
import { HubServer } from '../../src/bus/hub-server.ts';
import { LogStore } from '../../src/bus/log-store.ts';
import { partitionOf } from '../../src/bus/partition.ts';
import { topics } from '../../src/bus/topics.ts';
import { Child } from '../../src/cli/child.ts';
import { createLog } from '../../src/core/log.ts';
import { fillOf } from '../../src/events/test-parts.ts';
import { eventually } from '../support/eventually.ts';
import { CURE } from '../support/poisoned-engine.ts';
import { type EngineStore, STORES } from '../support/stores.ts';

setDefaultTimeout(180_000);

const SCRIPT = resolve(import.meta.dir, '../support/poisoned-engine.ts');
// The first of all already meets the process while it starts.
const IDS = ['spins', 'a', 'waits', 'b', 'crashes', 'c'];
const POISONS = ['crashes', 'spins', 'waits'];
const TRIES = 2;

for (const { name, present, start } of STORES) {
  describe.skipIf(!present)(`an engine on ${name}`, () => {
    let store: EngineStore;
    let folder: string;
    let hub: HubServer;
    let child: Child;
    let ticker: ReturnType<typeof setInterval>;
    beforeAll(async () => {
      store = await start();
      folder = mkdtempSync(join(tmpdir(), 'poison-'));
      const socketPath = join(folder, 'hub.sock');
      const log = new LogStore({ path: join(folder, 'log.sqlite') });
      hub = new HubServer({ socketPath, maxQueuedBytes: 2 ** 26, log });
      hub.listen();
      const owner = new Bus('strategy', hub.connect());
      const payloads = IDS.map((id) => JSON.stringify(owner.seal(topics.fills, fillOf(id))));
      await log.append({ topic: topics.fills.name, partition: partitionOf('p') }, 'g', 1, payloads);
      child = new Child({
        engine: 'poisoned',
        replica: undefined,
        label: 'poisoned',
        command: [SCRIPT],
        env: {
          ...process.env,
          ...store.env(),
          NAUTILUS_DATA_DIR: folder,
          NAUTILUS_HUB_SOCKET: socketPath,
          NAUTILUS_PORTS: 'free',
          NAUTILUS_EVENT_HANG_S: '2',
          NAUTILUS_EVENT_ATTEMPTS: String(TRIES),
          // An application that hangs on Postgres is only told from a silent server after this.
          DEFAULT_TIMEOUT: '2000',
          LOG_LEVEL: 'fatal',
        },
        events: { changed: () => {}, lifecycle: () => {} },
        log: createLog('supervisor', 'silent'),
        onLine: () => {},
        hangS: 4,
      });
      ticker = setInterval(() => child.tick(), 1000);
    });
    afterAll(async () => {
      clearInterval(ticker);
      await child?.stop(500);
      hub?.close();
      await store?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    /** The reply of the engine, null while it is away or answers nothing. */
    async function ask<T>(path: string, method = 'GET'): Promise<T | null> {
      const signal = AbortSignal.timeout(1000);
      return fetch(`http://127.0.0.1:${child.port}${path}`, { method, signal })
        .then((response) => response.json() as Promise<T>)
        .catch(() => null);
    }

    test('sets aside what hangs or crashes it each time, says so meanwhile, and goes on with the rest', async () => {
      await child.start();
      const told = new Set<string>();
      let fills: unknown;
      await eventually(async () => {
        const health = await ask<{ status: string; missing: string[] }>('/health');
        for (const what of health?.missing ?? []) told.add(`${health!.status}: ${what}`);
        fills = await ask('/fills');
        return JSON.stringify(fills) === JSON.stringify([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
      }, 'all others are applied');
      // Once in a batch, then by itself; a busy machine may end it once more.
      expect(child.restarts).toBeGreaterThanOrEqual(1 + POISONS.length * TRIES);
      expect([...told]).toContain('degraded: event application');
      await eventually(
        async () => (await ask<{ status: string }>('/health'))?.status === 'healthy',
        'healthy again',
      );
    });

    test('shows them, and applies them when they do no harm any more', async () => {
      type Letter = { id: number; payload: string; reason: string; attempts: number };
      const { letters } = (await ask<{ letters: Letter[] }>('/events/dead-letters'))!;
      expect(letters.map(({ payload }) => JSON.parse(payload).body.fill_id).sort()).toEqual(POISONS);
      for (const { attempts, reason } of letters) {
        expect(attempts).toBe(TRIES);
        expect(reason).toContain('did not end, or ended the process');
      }
      const before = child.restarts;
      writeFileSync(join(folder, CURE), '');
      for (const { id } of letters) {
        expect(await ask(`/events/dead-letters/${id}/replay`, 'POST')).toMatchObject({ state: 'replayed' });
      }
      expect(await ask('/fills')).toEqual([...IDS].sort().map((id) => ({ id })));
      expect(child.restarts).toBe(before);
    });
  });
}
