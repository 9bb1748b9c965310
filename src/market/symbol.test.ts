// Which names are symbols, and that any of them is one folder.
import { expect, test } from 'bun:test';
import { SYMBOL } from './symbol.ts';

test('takes the names that venues and providers use', () => {
  const names = [
    'BTC-USD',
    'BTC/USDT:USDT',
    '^GSPC',
    'EURUSD=X',
    'ES=F',
    'BRK-B',
    'VOD.L',
    'M&M.NS',
    '1000SATS',
    'DGS10',
    '^',
  ];
  for (const name of names) expect([name, SYMBOL.test(name)]).toEqual([name, true]);
});

test('refuses what is none: too long, white space, quotes, percent signs, formulas of spreadsheets', () => {
  const names = [
    '',
    'x'.repeat(65),
    'A B',
    'A\n',
    "A'B",
    'A"B',
    'A%2F',
    'A\\B',
    'A,B',
    '=SUM(A1)',
    '=X',
    '&X',
    'A\0',
    'É',
  ];
  for (const name of names) expect([name, SYMBOL.test(name)]).toEqual([name, false]);
});
