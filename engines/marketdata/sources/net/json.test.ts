// JSON of providers: nothing is rounded, and what they say is short and without secrets.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { decimalOf, parseJson } from './json.ts';
import { said } from './said.ts';

describe('JSON of providers', () => {
  test('keeps numbers that a float64 would change as their text, and all others as numbers', () => {
    const text =
      '{"id":9007199254740993,"ok":9007199254740991,"time":1762795433.97174451,"price":105944.20,"q":12345678901234.125678,"n":null,"t":"9007199254740993"}';
    expect(parseJson(text)).toEqual({
      id: '9007199254740993',
      ok: 9007199254740991,
      time: '1762795433.97174451',
      price: 105944.2,
      q: '12345678901234.125678',
      n: null,
      t: '9007199254740993',
    });
  });

  test('is that of JSON.parse wherever its numbers are short, and any integer comes back digit for digit', () => {
    const short = fc
      .jsonValue()
      .map((value) =>
        JSON.parse(JSON.stringify(value), (_, v) => (typeof v === 'number' ? Math.trunc(v) % 1e6 || 0 : v)),
      );
    fc.assert(fc.property(short, (value) => expect(parseJson(JSON.stringify(value))).toEqual(value)));
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), (id) => {
        expect(String((parseJson(`[${id}]`) as unknown[])[0])).toBe(String(id));
      }),
    );
  });

  test('decimals come in plain notation whatever way they were written', () => {
    expect(
      ['1e-8', 1e-8, '1.5E3', 12.5, '0.10', '-2.50e+1', '', 'x', null, Number.NaN, '0x10'].map(decimalOf),
    ).toEqual(['0.00000001', '0.00000001', '1500', '12.5', '0.10', '-25.0', null, null, null, null, null]);
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: 1e-12, max: 1e12 }), (x) => {
        expect(Number(decimalOf(x))).toBe(x);
        expect(decimalOf(x)).toMatch(/^\d+(\.\d+)?$/);
      }),
    );
  });
});

describe('what a provider said', () => {
  test('is cut, on one line, and holds no secret in any form', () => {
    const secret = 'k/3y+s3cret';
    const text = said(`bad\nkey ${secret} in ?apikey=${encodeURIComponent(secret)} ${'x'.repeat(500)}`, [
      secret,
    ]);
    expect(text).toStartWith('bad key [redacted] in ?apikey=[redacted] xxx');
    expect(text).toHaveLength(200);
    expect(said('https://me:hush@host', [])).toBe('https://[redacted]@host');
  });
});
