// Timers of a test's hand run in order of their time; waits end early when they are aborted.
import { describe, expect, test } from 'bun:test';
import { ManualTime, pause, systemTimers } from './timers.ts';

describe('manual time', () => {
  test('runs what comes due, each at its own time, also what is added on the way', () => {
    const time = new ManualTime(1_000);
    const ran: [string, number][] = [];
    time.after(20, () => ran.push(['b', time.nowUs()]));
    time.after(10, () => {
      ran.push(['a', time.nowUs()]);
      time.after(5, () => ran.push(['c', time.nowUs()]));
    });
    const taken = time.after(1, () => ran.push(['never', 0]));
    taken();
    expect(time.nextMs).toBe(10);
    time.advance(16);
    expect(ran).toEqual([
      ['a', 11_000],
      ['c', 16_000],
    ]);
    expect([time.nowUs(), time.nextMs, time.waiting]).toEqual([17_000, 4, 1]);
  });
});

describe('a pause', () => {
  test('ends at its time, or with the reason of its signal and no timer left', async () => {
    const time = new ManualTime();
    const whole = pause(time, 50);
    time.advance(50);
    await whole;
    const stop = new AbortController();
    const cut = pause(time, 50, stop.signal);
    stop.abort(new Error('enough'));
    await expect(cut).rejects.toThrow('enough');
    expect(time.waiting).toBe(0);
    await expect(pause(time, 50, stop.signal)).rejects.toThrow('enough');
  });

  test('of the system ends too', async () => {
    await pause(systemTimers, 0);
    let ran = false;
    const run = () => {
      ran = true;
    };
    systemTimers.after(0, run)();
    const cancel = systemTimers.after(2 ** 32, run);
    await pause(systemTimers, 5);
    cancel();
    expect(ran).toBe(false);
  });
});
