// Bodies that may be gzip: unpacked whatever the pieces, refused or ended where they are damaged.
import { describe, expect, test } from 'bun:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { type GunzipOptions, gunzipped } from './gunzip.ts';

const text = Array.from({ length: 20_000 }, (_, i) => `line ${i} ${Math.sin(i)}`).join('\n');
const zip = gzipSync(text);

async function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function unpacked(
  bytes: Uint8Array,
  size = 5000,
  options: Partial<GunzipOptions> = {},
): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of gunzipped(pieces(bytes, size), { maxBytes: 1e8, what: 'text', ...options }))
    parts.push(part);
  return Buffer.concat(parts).toString();
}

describe('gunzipped', () => {
  test('unpacks gzip of one or several members, hands on what is none, and empty bodies', async () => {
    const plain = Buffer.from(text);
    for (const size of [4096, 1e7]) expect(await unpacked(zip, size)).toBe(text);
    for (const size of [1, 3]) expect(await unpacked(gzipSync('short'), size)).toBe('short');
    expect(await unpacked(plain)).toBe(text);
    expect(await unpacked(Buffer.concat([zip, zip]))).toBe(text + text);
    expect([await unpacked(Buffer.alloc(0)), await unpacked(Buffer.from('x'))]).toEqual(['', 'x']);
  });

  test('gives all that can be read of a gzip that ends too early, and says that it does', async () => {
    const counts = fc.integer({ min: 20, max: zip.length - 1 });
    await fc.assert(
      fc.asyncProperty(counts, fc.constantFrom(700, 16_384, 1e6), async (length, size) => {
        let damaged = 0;
        const part = await unpacked(zip.subarray(0, length), size, { onDamage: () => damaged++ });
        expect([damaged, text.startsWith(part)]).toEqual([1, true]);
        // Nothing that was unpacked is lost: what is missing is less than one block of the format.
        if (length >= zip.length - 8) expect(part).toBe(text);
      }),
      { numRuns: 20 },
    );
    await expect(unpacked(zip.subarray(0, 5000))).rejects.toThrow('intact gzip');
  });

  test('throws what the body throws, not a word about gzip', async () => {
    async function* failing() {
      yield zip.subarray(0, 3000);
      throw new Error('cable pulled');
    }
    const read = async () => {
      for await (const _ of gunzipped(failing(), { maxBytes: 1e6, what: 'text', onDamage: () => {} }));
    };
    await expect(read()).rejects.toThrow('cable pulled');
  });

  test('refuses more than the limit and what grows beyond reason, without unpacking the rest', async () => {
    await expect(unpacked(zip, 5000, { maxBytes: 10_000 })).rejects.toThrow('at most 10000 bytes of text');
    const bomb = gzipSync(Buffer.alloc(64 * 2 ** 20));
    let sent = 0;
    async function* counting() {
      for await (const piece of pieces(bomb, 1000)) {
        sent += piece.byteLength;
        yield piece;
      }
    }
    const read = async () => {
      for await (const _ of gunzipped(counting(), { maxBytes: 1e12, what: 'text' }));
    };
    await expect(read()).rejects.toThrow('200 times its size');
    expect(sent).toBeLessThan(bomb.length / 2);
  });
});
