// The report: rows of comparisons and Markdown tables.
import { expect, test } from 'bun:test';
import { markdown, PAIR_COLUMNS, pairRow, range } from './report.ts';

const result = { name: 'x', pairs: 15, median: 2, q1: 1.5, q3: 2.5, aNs: 1_500_000, bNs: 2500 };

test('pairRow has a cell for each column, with the ratio, its quartiles and both times', () => {
  const row = pairRow(result, 'numpy', 'note');
  expect(row).toEqual(['x', 'numpy', '2.00x', '1.50 .. 2.50 of 15', '1.50 ms', '2.50 us', 'note']);
  expect(row).toHaveLength(PAIR_COLUMNS.length);
});

test('markdown lines up its columns and keeps bars out of the cells', () => {
  const text = markdown({
    title: 'T',
    note: 'N.',
    columns: ['a', 'long name'],
    rows: [['1 | 2', 'b'], ['c']],
  });
  expect(text.split('\n')).toEqual([
    '## T',
    '',
    'N.',
    '',
    '| a      | long name |',
    '| ------ | --------- |',
    '| 1 \\| 2 | b         |',
    '| c      |           |',
    '',
  ]);
});

test('range names the smallest and the largest', () => {
  expect(range([3, 1, 2])).toBe('1.00 .. 3.00');
});
