// What an engine asks of others is given up after DEFAULT_TIMEOUT: a short one ends first, beside the same call with a long one.
import { afterEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../test/support/eventually.ts';
import { HubProcess } from '../../test/support/hub-process.ts';
import { POSTGRES_BIN, TestPostgres } from '../../test/support/postgres.ts';
import { REDIS_SERVER, TestRedis } from '../../test/support/redis.ts';
import { loadConfig } from '../core/config.ts';
import { DependencyUnavailableError, StorageUnavailableError } from '../core/errors.ts';
import { createLog } from '../core/log.ts';
import { openDatabase } from '../store/open.ts';
import { processServices } from './transport.ts';

const STREAM = { topic: 'strategy.fills', partition: 0 };
const SHORT = '1000';
const LONG = '600000';

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of cleanup.splice(0).reverse()) await end();
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'timeouts-'));
  cleanup.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Connects an engine whose calls are given up after `timeout`. */
async function connect(env: Record<string, string>, timeout: string) {
  const config = loadConfig({ ...env, DEFAULT_TIMEOUT: timeout });
  const services = await processServices(config, `engine-${timeout}`, createLog('test', 'silent'));
  const { eventLog, transport, leases } = services;
  cleanup.push(() => Promise.all([eventLog.close(), transport.close()]));
  const answers = () =>
    eventLog.bounds(STREAM).then(
      () => true,
      () => false,
    );
  await eventually(answers, 'the event log answers');
  return { eventLog, leases };
}

/** Resolves with how the first of several calls ended: its number and its failure. */
function firstOf(calls: readonly Promise<unknown>[]) {
  return Promise.race(
    calls.map((call, i) =>
      call.then(
        () => ({ i, error: undefined }),
        (error: unknown) => ({ i, error }),
      ),
    ),
  );
}

describe('DEFAULT_TIMEOUT ends', () => {
  test('what the hub does not answer', async () => {
    const hub = new HubProcess(folder());
    await hub.start();
    cleanup.push(() => hub.kill());
    const env = { NAUTILUS_HUB_SOCKET: hub.socketPath };
    const [long, short] = [await connect(env, LONG), await connect(env, SHORT)];
    hub.signal('SIGSTOP');
    const calls = [long.eventLog.bounds(STREAM), short.eventLog.bounds(STREAM), short.leases.holders('g')];
    const { i, error } = await firstOf(calls);
    expect(i).toBeGreaterThan(0);
    expect(error).toBeInstanceOf(DependencyUnavailableError);
  });

  test.skipIf(REDIS_SERVER === null)(
    'what Redis does not answer',
    async () => {
      const redis = await TestRedis.start();
      cleanup.push(() => redis.stop());
      const env = { REDIS_URL: `redis://127.0.0.1:${redis.port}` };
      const [long, short] = [await connect(env, LONG), await connect(env, SHORT)];
      redis.signal('SIGSTOP');
      const calls = [long.eventLog.bounds(STREAM), short.eventLog.bounds(STREAM), short.leases.holders('g')];
      const { i, error } = await firstOf(calls);
      expect(i).toBeGreaterThan(0);
      expect(error).toBeInstanceOf(DependencyUnavailableError);
    },
    30_000,
  );

  test.skipIf(POSTGRES_BIN === null)(
    'a statement of Postgres',
    async () => {
      const postgres = await TestPostgres.start();
      cleanup.push(() => postgres.stop());
      const config = loadConfig({ DATABASE_URL: postgres.url, DEFAULT_TIMEOUT: SHORT });
      const database = await openDatabase(config, 'slow', {});
      cleanup.push(() => database.close());
      const error = await database.all('SELECT pg_sleep(60)').catch((e: unknown) => e);
      expect(error).toBeInstanceOf(StorageUnavailableError);
      expect(String(error)).toContain('DEFAULT_TIMEOUT');
    },
    30_000,
  );
});
