// Timestamps as files write them.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { parseTimestampUs } from './timestamps.ts';

describe('parseTimestampUs', () => {
  const us = 1_640_991_660_000_000;
  test.each([
    ['2021-12-31 23:01:00.000000', us],
    ['2021-12-31T23:01:00Z', us],
    ['2021-12-31T23:01Z', us],
    ['2021-12-31 23:01:00.123456789', us + 123_456],
    ['2021-12-31 23:01:00.1', us + 100_000],
    ['2022-01-01T00:01:00+01:00', us],
    ['2021-12-31T18:31:00-0430', us],
    ['1640991660', us],
    ['1640991660000', us],
    ['1640991660000000', us],
    ['1640991660000000123', us],
    ['2000-01-03', 946_857_600_000_000],
    ['2020-02-29', 1_582_934_400_000_000],
  ])('reads %s', (text, expected) => {
    expect(parseTimestampUs(text)).toBe(expected);
  });
  test.each([
    '',
    'NaN',
    'yesterday',
    '2021-13-01',
    '2021-02-30',
    '2021-02-29',
    '0024-01-05',
    '0024-01-05T00:00:00Z',
    '2021-12-31 25:00:00',
    '31/12/2021',
    '-5',
    '1e9',
    '12345678901234567890',
  ])('refuses %p', (text) => {
    expect(parseTimestampUs(text)).toBeNull();
  });
  test('reads UTC by its mark as by its offset, whatever the digits are, and as the standard library does', () => {
    // Mostly what exists, and what lies just beyond.
    const upTo = (max: number) => fc.integer({ min: 0, max });
    const fraction = fc.stringMatching(/^(\.\d{1,9})?$/);
    const between = fc.constantFrom('T', ' ');
    const year = fc.integer({ min: 1000, max: 9999 });
    const text = (n: number) => String(n).padStart(2, '0');
    fc.assert(
      fc.property(
        year,
        upTo(13),
        upTo(32),
        between,
        upTo(24),
        upTo(60),
        upTo(60),
        fraction,
        (y, mo, d, t, h, mi, s, f) => {
          const plain = `${y}-${text(mo)}-${text(d)}${t}${text(h)}:${text(mi)}:${text(s)}${f}`;
          const read = parseTimestampUs(`${plain}+00:00`);
          expect(parseTimestampUs(`${plain}Z`)).toBe(read);
          expect(parseTimestampUs(plain)).toBe(read);
          expect(parseTimestampUs(`${plain}x`)).toBeNull();
        },
      ),
    );
    const ms = fc.integer({ min: Date.UTC(1000, 0, 1), max: Date.UTC(9999, 11, 31) });
    fc.assert(
      fc.property(ms, (at) => {
        expect(parseTimestampUs(new Date(at).toISOString())).toBe(at * 1000);
      }),
    );
  });
});
