// Arrow bodies: what their types say, and that nothing in them is trusted.
import { describe, expect, test } from 'bun:test';
import { makeVector, Table, tableFromArrays, tableFromIPC, tableToIPC, vectorFromArray } from 'apache-arrow';
import { arrowRows } from './arrow.ts';
import { checkMessage } from './arrow-metadata.ts';
import { all, chunks, tailOf } from './test-tables.ts';

describe('an Arrow body', () => {
  const table = tableFromArrays({
    ts: BigInt64Array.from([1_600_000_000n]),
    bid: Float64Array.of(1.5),
    ask: Float64Array.of(1.6),
  });
  const ipc = Buffer.from(tableToIPC(table, 'stream'));

  test('has times, dates and decimals as its types say', async () => {
    const bytes = tableToIPC(tableFromIPC(ipc), 'file');
    const { records } = await all(arrowRows(chunks(bytes), 1e6, tailOf(bytes)), { symbol: 'X' });
    expect(records[0]).toMatchObject({ tsEventUs: 1_600_000_000_000_000, bid: 15, ask: 16 });
    const { TimestampNanosecond, DateDay, Decimal, makeData } = await import('apache-arrow');
    const words = Uint32Array.of(12_345, 0, 0, 0, 0xffff_ffff - 99, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff);
    const typed = new Table({
      ts: makeVector(
        makeData({
          type: new TimestampNanosecond(),
          data: BigInt64Array.of(1_577_898_000_123_456_789n, -1n),
        }),
      ),
      ts_receive: makeVector(makeData({ type: new DateDay(), data: Int32Array.of(18_262, 0) })),
      price: makeVector(makeData({ type: new Decimal(3, 10, 128), data: words })),
      size: makeVector(Float64Array.of(1, 1)),
    });
    const read = await all(arrowRows(chunks(tableToIPC(typed, 'stream')), 1e6), {
      symbol: 'X',
      timeZone: '-05:00',
    });
    expect(read.records[0]).toMatchObject({
      tsEventUs: Date.UTC(2020, 0, 1, 22) * 1000 + 123_456,
      tsEventText: '2020-01-01 17:00:00.123456789',
      tsReceiveUs: Date.UTC(2020, 0, 1, 5) * 1000,
      price: 12_345,
      scale: { price: 3, size: 0 },
    });
    // The other one is of 1969 with a price of -0.1.
    expect(read.refused).toHaveLength(1);
  });

  test('is refused when it is cut within a message, never read beyond its end', async () => {
    // A stream may end without its mark, so that what is cut between messages is a whole one: behind the schema, and behind the batch.
    const between = [8 + ipc.readInt32LE(4), ipc.length - 8];
    for (let length = 1; length < ipc.length; length++) {
      const read = all(arrowRows(chunks(ipc.subarray(0, length)), 1e6), { symbol: 'X' });
      if (between.includes(length)) expect((await read).records).toHaveLength(length > between[0]! ? 1 : 0);
      else await expect(read).rejects.toThrow('Expected');
    }
  });

  test('comes to an end whichever byte is damaged, as rows or refused', async () => {
    for (let at = 0; at < ipc.length; at++) {
      for (const byte of [0, 1, 0x7f, 0x80, 0xff]) {
        const damaged = Buffer.from(ipc);
        damaged[at] = byte;
        // Some bytes are padding or prices: then there is one row, taken or refused.
        const read = await all(arrowRows(chunks(damaged), 1e6), { symbol: 'X' }).catch(
          (error: Error) => error,
        );
        if (read instanceof Error) expect(read.message).toStartWith('Expected');
        else expect(read.records.length + read.refused.length).toBeLessThanOrEqual(1);
      }
    }
  });

  test('is refused with metadata that points out of itself, or in circles', async () => {
    const fields = Buffer.from(ipc);
    // The number of columns of its schema.
    fields[80] = 0x7f;
    await expect(all(arrowRows(chunks(fields), 1e6), { symbol: 'X' })).rejects.toThrow(
      'points out of itself',
    );
    // A table whose only field is itself: nested without end.
    const circle = new Uint8Array(64);
    const view = new DataView(circle.buffer);
    view.setUint32(0, 24, true);
    // Where the entries of a message are: its kind at 4, its header at 8.
    for (const [i, value] of [10, 12, 0, 4, 8].entries()) view.setUint16(4 + i * 2, value, true);
    view.setInt32(24, 20, true);
    circle[28] = 1;
    view.setUint32(32, 2 ** 32 - 8, true);
    expect(() => checkMessage(circle)).toThrow('points out of itself');
  });

  test('is refused with its announced lengths, before anything is reserved for them', async () => {
    const huge = Buffer.from(ipc);
    huge.writeInt32LE(0x7fff_ffff, 4);
    await expect(all(arrowRows(chunks(huge), 1e6))).rejects.toThrow('impossible length');
    await expect(all(arrowRows(chunks(Buffer.from('no arrow at all')), 1e6))).rejects.toThrow(
      'does not begin',
    );
    const file = tableToIPC(tableFromIPC(ipc), 'file');
    await expect(all(arrowRows(chunks(file), 1e6))).rejects.toThrow('the schema is in the footer only');
    const nested = tableToIPC(tableFromArrays({ ts: [[1], [2]] as unknown as number[] }), 'stream');
    await expect(all(arrowRows(chunks(nested), 1e6))).rejects.toThrow('not nested ones');
    await expect(all(arrowRows(chunks(ipc), 100))).rejects.toThrow('at most 100 bytes');
    // The length of the body of its batch, as its metadata says it.
    const batch = 8 + ipc.readInt32LE(4);
    const metadata = ipc.subarray(batch + 8, batch + 8 + ipc.readInt32LE(batch + 4));
    const length = BigInt(ipc.length - 8 - batch - 8 - metadata.length);
    const at = Array.from({ length: metadata.length / 8 }, (_, i) => i * 8).find(
      (place) => metadata.readBigInt64LE(place) === length,
    )!;
    const large = Buffer.from(ipc);
    large.writeBigInt64LE(2n ** 29n, batch + 8 + at);
    await expect(all(arrowRows(chunks(large), 1e6))).rejects.toThrow('batches of at most');
  });

  test('is refused with a dictionary that makes much of little, row by row', async () => {
    const numbers = () => Float64Array.from({ length: 5000 }, (_, i) => i);
    const symbol = vectorFromArray(Array(5000).fill('x'.repeat(70_000)));
    const table = new Table({
      ts: makeVector(numbers()),
      symbol,
      bid: makeVector(numbers()),
      ask: makeVector(numbers()),
    });
    const bytes = tableToIPC(table, 'stream');
    expect(bytes.length).toBeLessThan(300_000);
    await expect(all(arrowRows(chunks(bytes), 1e9))).rejects.toThrow('rows of at most 65536 bytes');
  });
});
