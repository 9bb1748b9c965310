// Timestamps as files write them.
import { describe, expect, test } from 'bun:test';
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
    '2021-12-31 25:00:00',
    '31/12/2021',
    '-5',
    '1e9',
    '12345678901234567890',
  ])('refuses %p', (text) => {
    expect(parseTimestampUs(text)).toBeNull();
  });
});
