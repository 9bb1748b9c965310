import { describe, expect, test } from 'bun:test';
import { Breaker } from './breaker.ts';

function rig() {
  const time = { ms: 0 };
  return { time, breaker: new Breaker({ failures: 2, retryMs: 100, maxRetryMs: 300, now: () => time.ms }) };
}
function opened() {
  const { time, breaker } = rig();
  breaker.failed('one');
  breaker.failed('two');
  return { time, breaker };
}

describe('Breaker', () => {
  test('opens after so many failures in a row, not after others', () => {
    const { breaker } = rig();
    breaker.failed('lost');
    breaker.succeeded();
    breaker.failed('lost');
    expect(breaker.status).toMatchObject({ state: 'closed', failures: 1, opened: 0, lastError: 'lost' });
    breaker.failed('lost again');
    expect(breaker.status).toEqual({
      state: 'open',
      failures: 2,
      opened: 1,
      retryInMs: 100,
      lastError: 'lost again',
    });
    expect(breaker.enter()).toBe(false);
  });

  test('lets one call try when the wait is over, and closes when that goes well', () => {
    const { time, breaker } = opened();
    time.ms = 99;
    expect(breaker.enter()).toBe(false);
    time.ms = 100;
    expect([breaker.enter(), breaker.enter()]).toEqual([true, false]);
    expect(breaker.status).toMatchObject({ state: 'half_open', retryInMs: 0 });
    breaker.succeeded();
    expect(breaker.status).toMatchObject({ state: 'closed', failures: 0, opened: 1 });
    expect(breaker.enter()).toBe(true);
  });

  test('waits twice as long after each try that fails, up to a limit, and from the beginning after success', () => {
    const { time, breaker } = opened();
    for (const waitMs of [200, 300, 300]) {
      time.ms += breaker.status.retryInMs;
      expect(breaker.enter()).toBe(true);
      breaker.failed('still lost');
      expect(breaker.status).toMatchObject({ state: 'open', retryInMs: waitMs, opened: 1 });
    }
    time.ms += 300;
    breaker.enter();
    breaker.succeeded();
    breaker.failed('a');
    breaker.failed('b');
    expect(breaker.status).toMatchObject({ state: 'open', retryInMs: 100, opened: 2 });
  });

  test('tries again later when the try said nothing', () => {
    const { time, breaker } = opened();
    time.ms = 100;
    breaker.enter();
    breaker.gaveUp();
    expect(breaker.status).toMatchObject({ state: 'open', retryInMs: 100, failures: 2 });
    expect(breaker.enter()).toBe(false);
  });

  test('does not close by a call that began before it opened', () => {
    const { breaker } = opened();
    breaker.succeeded();
    expect(breaker.status).toMatchObject({ state: 'open', failures: 2 });
  });
});
