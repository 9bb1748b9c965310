// Zip archives of one file, unpacked as a stream within limits.
import { crc32, createInflateRaw } from 'node:zlib';
import { MalformedBodyError, TooLargeError } from './errors.ts';
import { MAX_RATIO, RATIO_FROM_BYTES, UNPACKED, unpack } from './gunzip.ts';

/** The one file of an archive, as its directory describes it. */
export interface ZipEntry {
  readonly name: string;
  /** Bytes after unpacking. */
  readonly size: number;
  readonly packedSize: number;
  readonly crc: number;
  readonly deflated: boolean;
  /** Where its bytes begin. */
  readonly from: number;
}

// Records of an archive (APPNOTE of PKWARE, 4.3): their signatures, and their lengths without names and comments.
const LOCAL = { signature: 0x04034b50, bytes: 30 } as const;
const CENTRAL = { signature: 0x02014b50, bytes: 46 } as const;
const END = { signature: 0x06054b50, bytes: 22 } as const;
const MAX_COMMENT = 65_535;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 1;
/** Extra field of sizes of eight bytes (4.5.3), and what stands in the place of such a size. */
const LARGE = 1;
const ELSEWHERE = 0xffff_ffff;

/**
 * Returns the one file of the archive `zip`, which unpacks to at most `maxBytes`. Throws MalformedBodyError for an archive that is damaged, encrypted,
 * packed by another method than deflate or of several files, TooLargeError for a file past `maxBytes` or that grows by more than
 * {@link MAX_RATIO}.
 */
export async function zipEntry(zip: Blob, maxBytes: number): Promise<ZipEntry> {
  const end = await endOf(zip);
  const [files, length, directory] = [end.readUInt16LE(10), end.readUInt32LE(12), end.readUInt32LE(16)];
  if (files !== 1) throw new MalformedBodyError(`Expected a zip of one file, were ${files}`);
  const central = await read(zip, directory, Math.min(length, CENTRAL.bytes + MAX_COMMENT), CENTRAL);
  const flags = central.readUInt16LE(8);
  const method = central.readUInt16LE(10);
  if ((flags & ENCRYPTED) !== 0) throw new MalformedBodyError('Expected a zip that is not encrypted');
  if (method !== STORED && method !== DEFLATED)
    throw new MalformedBodyError('Expected a zip that is packed by deflate');
  const [size, packedSize, at] = largeOnes(central);
  if (size > maxBytes) throw new TooLargeError(`Expected at most ${maxBytes} bytes in the zip`, maxBytes);
  if (size > RATIO_FROM_BYTES && size > packedSize * MAX_RATIO)
    throw new TooLargeError(`Expected a zip that unpacks to at most ${MAX_RATIO} times its size`, maxBytes);
  const name = central.toString('utf8', CENTRAL.bytes, CENTRAL.bytes + central.readUInt16LE(28));
  const local = await read(zip, at, LOCAL.bytes, LOCAL);
  const from = at + LOCAL.bytes + local.readUInt16LE(26) + local.readUInt16LE(28);
  if (from + packedSize > directory) throw broken();
  return { name, size, packedSize, crc: central.readUInt32LE(16), deflated: method === DEFLATED, from };
}

/** Yields the bytes of the file of an archive. Throws MalformedBodyError where they are not what the directory says, before more than that is unpacked. */
export async function* unzipped(
  zip: Blob,
  { from, packedSize, size, crc, deflated }: ZipEntry,
): AsyncGenerator<Uint8Array> {
  const packed = zip.slice(from, from + packedSize).stream() as unknown as AsyncIterable<Uint8Array>;
  let [bytes, sum] = [0, 0];
  const chunks = deflated ? unpack(packed, createInflateRaw(UNPACKED)) : packed;
  for await (const chunk of guarded(chunks)) {
    bytes += chunk.byteLength;
    if (bytes > size) throw broken();
    sum = crc32(chunk, sum);
    yield chunk;
  }
  if (bytes !== size || sum !== crc) throw broken();
}

async function* guarded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch {
    throw broken();
  }
}

// Size, packed size and place; those that four bytes are said to be too few for follow in the extra field of large archives, in this order.
function largeOnes(central: Buffer): [number, number, number] {
  const values = [central.readUInt32LE(24), central.readUInt32LE(20), central.readUInt32LE(42)];
  const start = CENTRAL.bytes + central.readUInt16LE(28);
  const extra = central.subarray(start, start + central.readUInt16LE(30));
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === LARGE) {
      let place = at + 4;
      for (const [i, value] of values.entries()) {
        if (value !== ELSEWHERE) continue;
        if (place + 8 > Math.min(extra.length, at + 4 + length)) throw broken();
        values[i] = Number(extra.readBigUInt64LE(place));
        place += 8;
      }
    }
    at += 4 + length;
  }
  return values as [number, number, number];
}

// The record at the end of an archive, behind which a comment may stand.
async function endOf(zip: Blob): Promise<Buffer> {
  const tail = Buffer.from(await zip.slice(Math.max(0, zip.size - END.bytes - MAX_COMMENT)).arrayBuffer());
  for (let at = tail.length - END.bytes; at >= 0; at--) {
    if (
      tail.readUInt32LE(at) === END.signature &&
      at + END.bytes + tail.readUInt16LE(at + 20) === tail.length
    )
      return tail.subarray(at);
  }
  throw broken();
}

async function read(
  zip: Blob,
  at: number,
  length: number,
  { signature, bytes }: { readonly signature: number; readonly bytes: number },
): Promise<Buffer> {
  const record = Buffer.from(await zip.slice(at, at + length).arrayBuffer());
  if (record.length < bytes || record.readUInt32LE(0) !== signature) throw broken();
  return record;
}

function broken(): MalformedBodyError {
  return new MalformedBodyError('Expected an intact zip file');
}
