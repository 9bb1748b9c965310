// Configuration, clocks and ids.
import { describe, expect, test } from 'bun:test';
import { ManualClock, SystemClock } from './clock.ts';
import { loadConfig } from './config.ts';
import { InvalidOptionError } from './errors.ts';
import { idSequence } from './ids.ts';

describe('configuration', () => {
  test('has sensible defaults, with folders made absolute', () => {
    const config = loadConfig({}, '/base');
    expect(config).toMatchObject({
      dataDir: '/base/data',
      host: '127.0.0.1',
      ports: 'published',
      feed: 'simulated',
    });
    expect(config.threads).toBeGreaterThan(0);
    expect(loadConfig({ NAUTILUS_DATA_DIR: '' }, '/base').dataDir).toBe('/base/data');
  });

  test('names every bad variable at once', () => {
    const bad = {
      NAUTILUS_THREADS: '0',
      NAUTILUS_HOST: 'nowhere at all',
      NAUTILUS_FEED: 'x',
      LOG_LEVEL: 'loud',
      NAUTILUS_GRACE_MS: '1.5',
    };
    try {
      loadConfig(bad);
      throw new Error('accepted');
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidOptionError);
      for (const name of Object.keys(bad)) expect((error as Error).message).toContain(name);
    }
  });

  test.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('listens on the loopback address %s', (host) => {
    expect(loadConfig({ NAUTILUS_HOST: host })).toMatchObject({ host, loopback: true, rateLimit: 0 });
  });
});

describe('clock', () => {
  test('gives whole microseconds near the wall clock, never going back', () => {
    const clock = new SystemClock();
    let last = clock.nowUs();
    expect(Math.abs(last / 1000 - Date.now())).toBeLessThan(50);
    for (let i = 0; i < 10_000; i++) {
      const now = clock.nowUs();
      expect(Number.isInteger(now) && now >= last).toBe(true);
      last = now;
    }
  });

  test('moves a manual clock forward only', () => {
    const clock = new ManualClock(10);
    clock.advance(5);
    clock.advanceTo(3);
    expect(clock.nowUs()).toBe(15);
  });
});

test('ids of two sequences never meet', () => {
  const [a, b] = [idSequence(), idSequence()];
  const ids = Array.from({ length: 5000 }, () => [a(), b()]).flat();
  expect(new Set(ids).size).toBe(10_000);
});
