// Zip archives of one file: whole ones, and those that are damaged, hostile or of another kind.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { zipOf } from '../../test/support/zip.ts';
import { MalformedBodyError, TooLargeError } from './errors.ts';
import { unzipped, zipEntry } from './unzip.ts';

async function read(bytes: Uint8Array, maxBytes = 1e6): Promise<Buffer> {
  const file = new Blob([Uint8Array.from(bytes)]);
  const chunks: Uint8Array[] = [];
  for await (const chunk of unzipped(file, await zipEntry(file, maxBytes))) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const text = Buffer.from('time,price,size\n'.repeat(300));

describe('a zip of one file', () => {
  test('is unpacked, deflated or stored, with a comment or without, its sizes in four bytes or eight', async () => {
    for (const made of [{}, { method: 0 }, { comment: 'PK\x05\x06 by somebody' }, { large: true }])
      expect(await read(zipOf(text, made))).toEqual(text);
  });

  test('is refused for what is not read, with the reason', async () => {
    const cases: [Uint8Array, string][] = [
      [zipOf(text, { files: 2 }), 'a zip of one file, were 2'],
      [zipOf(text, { flags: 1 }), 'not encrypted'],
      [zipOf(text, { method: 12 }), 'by deflate'],
      [zipOf(text, { size: text.length - 1 }), 'intact zip'],
      [zipOf(text, { size: text.length + 1 }), 'intact zip'],
      [zipOf(text, { crc: 1 }), 'intact zip'],
      [zipOf(text, { size: 2e6 }), 'at most 1000000 bytes'],
      [Buffer.from('PK\x03\x04 and no more'), 'intact zip'],
    ];
    for (const [bytes, reason] of cases) await expect(read(bytes)).rejects.toThrow(reason);
    await expect(read(zipOf(Buffer.alloc(2 ** 25)), 1e9)).rejects.toThrow('200 times its size');
  });

  test('gives its bytes or is refused, whichever byte of it is another', async () => {
    const whole = zipOf(text, { comment: 'c', large: true });
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), async (at, byte) => {
        const damaged = Buffer.from(whole);
        damaged[at] = byte;
        const said = await read(damaged).catch((error: unknown) => error);
        // Names, times and versions say nothing of the content.
        if (Buffer.isBuffer(said)) expect(said).toEqual(text);
        else expect(said instanceof MalformedBodyError || said instanceof TooLargeError).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('is refused when it is cut anywhere', async () => {
    const whole = zipOf(text);
    for (let length = 0; length < whole.length; length++)
      await expect(read(whole.subarray(0, length))).rejects.toThrow('intact zip');
  });
});
