// Who counts as alive.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { eventually } from '../../test/support/eventually.ts';
import { ManualClock } from '../core/clock.ts';
import { Bus } from './client.ts';
import { MemoryHub } from './memory.ts';
import { EngineWatch } from './presence.ts';
import { topics } from './topics.ts';

describe('EngineWatch', () => {
  let bus: Bus;
  let clock: ManualClock;
  let watch: EngineWatch;
  let started: number[];

  beforeEach(async () => {
    bus = new Bus('test', new MemoryHub().connect());
    clock = new ManualClock(1e9);
    watch = new EngineWatch(bus, clock);
    started = [];
    await watch.start(({ pid }) => void started.push(pid));
  });
  afterEach(() => bus.close());

  function presence(pid: number, uptimeS = 1, status: 'healthy' | 'stopping' = 'healthy'): void {
    const rest = { missing: [], version: '0', rss_bytes: 1, lockstep: true };
    bus.publish(topics.presence, { engine: 'ml', port: 8400, pid, status, uptime_s: uptimeS, ...rest });
  }
  const exited = (pid: number) =>
    bus.publish(topics.lifecycle, { engine: 'ml', event: 'exited', pid, exit_code: 137, detail: '' });
  const becomes = (alive: number) => eventually(() => watch.alive().length === alive, `${alive} alive`);

  test('counts an engine until its silence is too long, and again when it speaks', async () => {
    presence(1);
    await becomes(1);
    clock.advance(3_600_000);
    expect(watch.alive()).toEqual([]);
    expect(watch.all()).toMatchObject([{ gone: true, silentS: 3.6 }]);
    presence(1, 5);
    await becomes(1);
    expect(started).toEqual([1]);
  });

  test('takes an engine out at once when its process has ended, also when its last word comes late', async () => {
    presence(1);
    await becomes(1);
    exited(1);
    await becomes(0);
    presence(1, 2);
    await eventually(() => bus.stats().received === 3, 'the late word');
    expect(watch.alive()).toEqual([]);
    presence(2, 0);
    await becomes(1);
    expect(started).toEqual([1, 2]);
  });

  test('leaves out an engine that is stopping', async () => {
    presence(1);
    await becomes(1);
    presence(1, 2, 'stopping');
    await becomes(0);
  });

  describe('of several replicas', () => {
    function replica(n: number, pid: number, uptimeS = 1): void {
      const rest = { missing: [], version: '0', rss_bytes: 1, lockstep: true };
      bus.publish(topics.presence, {
        engine: 'ml',
        port: 8400,
        pid,
        replica: n,
        status: 'healthy',
        uptime_s: uptimeS,
        ...rest,
      });
    }
    const ends = (n: number, pid: number) =>
      bus.publish(topics.lifecycle, {
        engine: 'ml',
        event: 'exited',
        replica: n,
        pid,
        exit_code: 137,
        detail: '',
      });

    test('keeps each apart, and counts the engine as long as one lives', async () => {
      replica(1, 11);
      replica(0, 10);
      await eventually(() => watch.all().length === 2, 'two replicas');
      expect(watch.all().map(({ presence }) => presence.pid)).toEqual([10, 11]);
      expect(watch.alive().map((p) => p.engine)).toEqual(['ml']);
      ends(0, 10);
      await eventually(() => watch.all()[0]!.gone, 'the end of the first');
      expect(watch.alive().map((p) => p.pid)).toEqual([11]);
      ends(1, 11);
      await becomes(0);
    });

    test('tells of the start of each, and of none twice', async () => {
      replica(0, 10);
      replica(1, 11);
      replica(0, 10, 2);
      replica(1, 12, 0);
      await eventually(() => started.length === 3, 'three starts');
      expect(started).toEqual([10, 11, 12]);
    });
  });
});
