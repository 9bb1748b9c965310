// CSV bodies: the same records however they are cut and quoted; what is too long or too large is refused.
import { describe, expect, test } from 'bun:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { csvRecords, readCsv } from './csv.ts';
import { MalformedBodyError, TooLargeError } from './errors.ts';

async function* chunks(bytes: Uint8Array, size = 1e6) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function records(text: string | Uint8Array, size?: number): Promise<[number, ...string[]][]> {
  const found: [number, ...string[]][] = [];
  await readCsv(chunks(Buffer.from(text as string), size), 1e7, (fields, line) =>
    found.push([line, ...fields]),
  );
  return found;
}

describe('readCsv', () => {
  test('trims fields, skips empty lines and tells the line of each record', async () => {
    const text = '\ufeffa, b ,c\r\n1,2,3\r\n\r\n  \n4,5\n6,7,8,9';
    expect(await records(text)).toEqual([
      [1, 'a', 'b', 'c'],
      [2, '1', '2', '3'],
      [5, '4', '5'],
      [6, '6', '7', '8', '9'],
    ]);
  });

  test('reads quoted fields, line ends within them, and counts lines on from those before', async () => {
    const text = 'a,b\n1,2\n3,"x, ""y"""\n5,"two\nlines"\n7,8\n';
    expect(await records(text)).toEqual([
      [1, 'a', 'b'],
      [2, '1', '2'],
      [3, '3', 'x, "y"'],
      [5, '5', 'two\nlines'],
      [6, '7', '8'],
    ]);
  });

  test('gives the records of the quoting parser for text without quotes, wherever the quotes begin', async () => {
    const field = fc.stringMatching(/^[a-z0-9. -]{0,6}$/);
    const rows = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.constantFrom('\n', '\r\n'),
        fc.integer({ min: 1, max: 50 }),
        async (all, end, size) => {
          const text = all.map((row) => row.join(',')).join(end);
          const plain = await records(text, size);
          // The quote of the first field makes the other parser read everything.
          const quoted = await records(`"first",""${end}${text}`, size);
          expect(quoted.slice(1).map(([line, ...fields]) => [line - 1, ...fields])).toEqual(plain);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('goes over to the quoting parser between two blocks', async () => {
    const row = `${'x'.repeat(60)},1\n`;
    const text = `${row.repeat(2500)}"a\nb",2\n${row}`;
    const found = await records(text, 1000);
    expect([found.length, found[2500], found[2501]]).toEqual([
      2502,
      [2502, 'a\nb', '2'],
      [2503, 'x'.repeat(60), '1'],
    ]);
  });

  test('refuses a line without end before it is read to its end', async () => {
    let sent = 0;
    async function* endless() {
      for (;;) {
        sent += 65_536;
        yield new Uint8Array(65_536).fill(120);
      }
    }
    await expect(readCsv(endless(), 1e12, () => {})).rejects.toThrow('line 1 is longer than 65536 bytes');
    expect(sent).toBeLessThan(10 * 65_536);
    const quoted = Buffer.from(`a,b\n"${'y\n'.repeat(50_000)}`);
    await expect(readCsv(chunks(quoted), 1e12, () => {})).rejects.toThrow(MalformedBodyError);
  });

  test('refuses carriage returns alone, damaged gzip and what unpacks to too much', async () => {
    await expect(records('a,b\r1,2\r')).rejects.toThrow('lines that end by');
    const zip = gzipSync('a,b\n1,2\n'.repeat(1000));
    await expect(records(zip.subarray(0, zip.length - 9))).rejects.toThrow('intact gzip');
    const bomb = gzipSync(Buffer.alloc(2e7, `1,${'2'.repeat(9000)}\n`));
    await expect(readCsv(chunks(bomb), 1e6, () => {})).rejects.toThrow(TooLargeError);
    await expect(readCsv(chunks(bomb, 1000), 1e9, () => {})).rejects.toThrow('200 times its size');
  });

  test('a reader that stops ends the body', async () => {
    let ended = false;
    async function* body() {
      try {
        for (;;) yield Buffer.from('1,2\n'.repeat(20_000));
      } finally {
        ended = true;
      }
    }
    for await (const { lines } of csvRecords(body(), 1e12)) if (lines.length > 0) break;
    expect(ended).toBe(true);
  });
});
