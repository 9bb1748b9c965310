// When silence is too long.
import { describe, expect, test } from 'bun:test';
import { Silence } from './silence.ts';

describe('Silence', () => {
  const ticks = (silence: Silence, count: number, running = true) =>
    Array.from({ length: count }, () => silence.tick(running));

  test('is too long once its limit has passed for certain, and told once', () => {
    const silence = new Silence({ runningS: 3, startingS: 30 });
    expect(ticks(silence, 6)).toEqual([null, null, null, 3, null, null]);
  });

  test('begins anew with each word', () => {
    const silence = new Silence({ runningS: 3, startingS: 30 });
    for (let i = 0; i < 20; i++) {
      expect(ticks(silence, 3)).toEqual([null, null, null]);
      silence.heard();
    }
  });

  test('is borne for longer during a start, and for ever with a limit of 0', () => {
    const silence = new Silence({ runningS: 0, startingS: 4 });
    expect(ticks(silence, 5, false)).toEqual([null, null, null, null, 4]);
    silence.heard();
    expect(ticks(silence, 100).every((s) => s === null)).toBe(true);
  });
});
