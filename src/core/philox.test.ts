// Philox: published known answers, exactness, stream layout, moments.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { normalPair, Philox, philox4x32, uniform } from './philox.ts';

const hex = (words: Uint32Array) => [...words].map((w) => w.toString(16).padStart(8, '0')).join(' ');

function block(counter: number[], key: number[]): string {
  const out = new Uint32Array(4);
  philox4x32(counter[0]!, counter[1]!, counter[2]!, counter[3]!, key[0]!, key[1]!, out);
  return hex(out);
}

describe('one block', () => {
  // Random123 (D. E. Shaw Research), tests/kat_vectors, lines "philox4x32 10".
  test('gives the published answers', () => {
    const ones = 0xffffffff;
    expect(block([0, 0, 0, 0], [0, 0])).toBe('6627e8d5 e169c58d bc57ac4c 9b00dbd8');
    expect(block([ones, ones, ones, ones], [ones, ones])).toBe('408f276d 41c83b0e a20bc7c6 6d5451fd');
    expect(block([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])).toBe(
      'd16cfe09 94fdcceb 5001e420 24126ea1',
    );
  });
  test('agrees with the algorithm in unbounded integers', () => {
    const word = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(fc.array(word, { minLength: 6, maxLength: 6 }), (x) => {
        expect(block(x.slice(0, 4), x.slice(4))).toBe(inBigInt(x.slice(0, 4), x.slice(4)));
      }),
    );
  });
});

function inBigInt(counter: number[], key: number[]): string {
  const mask = 0xffffffffn;
  let [a, b, c, d] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [x, y] = key.map(BigInt) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2511f53n * a;
    const p1 = 0xcd9e8d57n * c;
    [a, b, c, d] = [(p1 >> 32n) ^ b ^ x, p1 & mask, (p0 >> 32n) ^ d ^ y, p0 & mask];
    x = (x + 0x9e3779b9n) & mask;
    y = (y + 0xbb67ae85n) & mask;
  }
  return [a, b, c, d].map((w) => w.toString(16).padStart(8, '0')).join(' ');
}

describe('a stream', () => {
  test('starts with the words of block zero', () => {
    const out = new Float64Array(2);
    new Philox(0).fillUniform(out);
    expect(out[0]).toBe(uniform(0x6627e8d5, 0xe169c58d));
    expect(out[1]).toBe(uniform(0xbc57ac4c, 0x9b00dbd8));
  });
  test('gives the same values whole and in pieces', () => {
    const whole = new Philox(7, 3).fillNormal(new Float64Array(101));
    const pieces = new Float64Array(101);
    const stream = new Philox(7n, 3n);
    stream.fillNormal(pieces.subarray(40), 40);
    stream.fillNormal(pieces.subarray(0, 40));
    expect(pieces).toEqual(whole);
  });
  test('differs by seed and by stream, over all 64 bits', () => {
    const first = (seed: bigint, stream: bigint) =>
      new Philox(seed, stream).fillUniform(new Float64Array(1))[0];
    const values = [first(1n, 0n), first(1n << 32n, 0n), first(0n, 1n), first(0n, 1n << 32n), first(0n, 0n)];
    expect(new Set(values).size).toBe(5);
  });
  test('goes on past 2^32 blocks without repeating', () => {
    const far = new Philox(1).fillUniform(new Float64Array(2), 2 ** 33);
    expect(far).not.toEqual(new Philox(1).fillUniform(new Float64Array(2)));
  });
  test('refuses an odd start and a seed that is not whole', () => {
    expect(() => new Philox(1).fillUniform(new Float64Array(2), 1)).toThrow(RangeError);
    expect(() => new Philox(1.5)).toThrow(RangeError);
  });
});

test('uniforms stay in [0, 1) and normals stay finite at both ends', () => {
  expect(uniform(0, 0)).toBe(0);
  expect(uniform(0xffffffff, 0xffffffff)).toBe(1 - 2 ** -53);
  const out = new Float64Array(2);
  for (const u of [0, 1 - 2 ** -53]) {
    normalPair(u, 0.25, out);
    expect(Math.hypot(out[0]!, out[1]!)).toBeLessThan(8.6);
  }
});

test('normals have the moments of the standard normal within four standard errors', () => {
  const n = 200_000;
  const z = new Philox(42).fillNormal(new Float64Array(n));
  const moment = (k: number) => z.reduce((sum, x) => sum + x ** k, 0) / n;
  // Standard errors of the raw moments: sqrt(1/n), sqrt(2/n), sqrt(15/n), sqrt(96/n).
  expect(Math.abs(moment(1))).toBeLessThan(4 * Math.sqrt(1 / n));
  expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
  expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15 / n));
  expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / n));
});
