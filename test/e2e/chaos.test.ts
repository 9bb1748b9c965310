// The short form of `make chaos`: each kind of fault once, over the embedded default and over Redis with Postgres.
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { FAULTS } from '../chaos/faults.ts';
import { runChaos } from '../chaos/run.ts';
import { broken } from '../chaos/verify.ts';
import { POSTGRES_BIN } from '../support/postgres.ts';
import { REDIS_SERVER } from '../support/redis.ts';

setDefaultTimeout(180_000);

const named = (...names: readonly string[]) =>
  names.map((name) => FAULTS.find((fault) => fault.name === name)!);

describe('nothing is lost and nothing happens twice', () => {
  test('over the hub and SQLite, whatever is killed or paused', async () => {
    const faults = named(
      'kill -9 of two engines at once',
      'engine paused (SIGSTOP)',
      'kill -9 of a replica',
      'replica paused until others have taken over (SIGSTOP)',
      'consumer hangs (SIGSTOP) until the supervisor ends it',
      'kill -9 of the supervisor',
      'poison event, another version, and their owner killed',
      'kill -9 of all processes',
    );
    const { verdict, poisoned } = await runChaos({ bus: 'hub', store: 'sqlite', seed: 11, faults });
    expect(poisoned).toBe(1);
    expect(broken(verdict)).toEqual([]);
    expect(verdict.acknowledged).toBeGreaterThan(10);
    expect(verdict.fills).toBeGreaterThan(10);
  });

  test('on a disk that is full for a while', async () => {
    const faults = named('disk full', 'kill -9 of an engine');
    const { verdict, hadSmallDisk } = await runChaos({
      bus: 'hub',
      store: 'sqlite',
      seed: 12,
      faults,
      diskMb: 96,
    });
    if (!hadSmallDisk) console.log('no file system may be mounted here: the disk that is full was left out');
    expect(broken(verdict)).toEqual([]);
    expect(verdict.acknowledged).toBeGreaterThan(0);
  });

  test.skipIf(REDIS_SERVER === null || POSTGRES_BIN === null)(
    'over Redis and Postgres, which are killed, paused and emptied as well, and a Redis that fails over',
    async () => {
      const faults = named(
        'Redis emptied (FLUSHALL)',
        'Redis killed and restarted',
        'Postgres killed and restarted',
        'Redis paused (SIGSTOP)',
        'poison event, another version, and their owner killed',
        'kill -9 of two engines at once',
        'Redis primary killed before its replica had everything',
      );
      const { verdict } = await runChaos({ bus: 'sentinel', store: 'postgres', seed: 13, faults });
      expect(broken(verdict)).toEqual([]);
      expect(verdict.acknowledged).toBeGreaterThan(10);
    },
  );
});
