// Scales of instruments that nobody described: one number that is no price must not take the room of those that follow.
import { describe, expect, test } from 'bun:test';
import { priceOf, sizeOf } from './net/fields.ts';
import { Scales } from './scales.ts';

describe('scales of a source', () => {
  const TINY = '0.000000000000001';

  test('come back from a number with decimals that leave no room for prices', () => {
    const scales = new Scales();
    const price = (text: string) =>
      scales.exactly('BTC-USD', (scale) => ({ price: priceOf(scale, text), size: sizeOf(scale, '1.5') }));
    expect(price('61800.20')).toMatchObject({ price: 618_002, scale: { price: 1, size: 1 } });
    expect(price(TINY)).toMatchObject({ price: 1, scale: { price: 15 } });
    expect(price('61800.25')).toMatchObject({ price: 6_180_025, scale: { price: 2, size: 1 } });
    expect(scales.exact('BTC-USD', [TINY], [])?.scale.price).toBe(15);
    expect(scales.exact('BTC-USD', ['61800.2'], ['3'])).toEqual({
      prices: [618_002],
      sizes: [3],
      scale: { price: 1, size: 0 },
    });
  });

  test('stay as they were where a record fits no scale, and have the decimals that the venue states', () => {
    const scales = new Scales();
    scales.set('BTC-USD', { price: 2, size: 8 });
    expect(scales.exact('BTC-USD', ['61800.2', TINY], [])).toBeNull();
    expect(scales.now('BTC-USD')).toEqual({ price: 2, size: 8 });
    scales.exact('BTC-USD', [TINY], []);
    expect(scales.exact('BTC-USD', ['61800.2'], ['1'])).toMatchObject({
      prices: [6_180_020],
      scale: { price: 2, size: 8 },
    });
    expect(scales.atLeast('BTC-USD', 3, 0)).toEqual({ price: 3, size: 8 });
  });
});
