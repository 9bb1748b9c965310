// The life of a model on real bars over REST alone, as the example walks it, over the embedded bus and over Redis.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { resolve } from 'node:path';
import { sharedData } from '../shared-data.ts';
import { REDIS_SERVER, TestRedis } from '../support/redis.ts';
import { TestSystem } from '../support/system.ts';

setDefaultTimeout(180_000);

const EXAMPLE = resolve(import.meta.dir, '../../examples/lifecycle.ts');
const BARS = sharedData('btc-perp-1min-ohlcv-2022-01.csv.gz');
const SMALL = ['--rows', '1500', '--live', '20', '--trials', '4', '--model', 'rise'];

async function walk(system: TestSystem): Promise<void> {
  const { port } = await system.engine('ml');
  const command = [process.execPath, EXAMPLE, '--bars', BARS!, '--ml', `http://127.0.0.1:${port}`, ...SMALL];
  const child = Bun.spawn(command, { stdout: 'pipe', stderr: 'pipe' });
  const [out, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  expect([await child.exited, errors]).toEqual([0, '']);
  expect(out.match(/^trial [0-3]: (logistic|gradient_boosting) (complete|pruned) /gm)).toHaveLength(4);
  expect(out).toMatch(
    /^deployed: rise@1, accuracy on rows that no trial saw 0\.\d{4}, of class frequencies 0\./m,
  );
  const [, control, challenger] =
    /^experiment: control \S+ of (\d+), challenger \S+ of (\d+); p \d\.\d{3}, running$/m.exec(out)!;
  expect(Number(control) + Number(challenger)).toBe(20);
  expect(out).toMatch(/^retrained: rise@3, log loss 0\.\d{4} before and 0\.\d{4} after, (serves|not)/m);
  const { versions } = (await system.request('ml', '/models/rise/versions')).body;
  expect(versions).toHaveLength(3);
}

describe.skipIf(BARS === null)('the life of a model', () => {
  let system: TestSystem;
  let redis: TestRedis | undefined;
  afterAll(async () => {
    await redis?.stop();
  });

  describe('over the embedded bus', () => {
    beforeAll(async () => {
      system = await TestSystem.start(['--only', 'ml']);
    });
    afterAll(() => system?.stop());
    test('goes from a table to a deployed, compared, watched and retrained version', () => walk(system));
  });

  describe.skipIf(REDIS_SERVER === null)('over Redis', () => {
    beforeAll(async () => {
      redis = await TestRedis.start();
      system = await TestSystem.start(['--only', 'ml'], { REDIS_URL: redis.url });
    });
    afterAll(() => system?.stop());
    test('goes the same way', () => walk(system));
  });
});
