// Zip archives for tests, right ones and wrong ones.
import { crc32, deflateRawSync } from 'node:zlib';

/** What is other than in an ordinary archive. */
export interface Made {
  readonly name?: string;
  readonly method?: number;
  readonly flags?: number;
  readonly files?: number;
  readonly size?: number;
  readonly crc?: number;
  readonly comment?: string;
  /** Sizes in the extra field of large archives. */
  readonly large?: boolean;
}

/** An archive of one file, as APPNOTE of PKWARE says. */
export function zipOf(content: Uint8Array, made: Made = {}): Buffer {
  const { method = 8, flags = 0, files = 1, size = content.length, comment = '', large = false } = made;
  const packed = method === 8 ? deflateRawSync(content) : Buffer.from(content);
  const name = Buffer.from(made.name ?? 'a.csv');
  const shared = Buffer.alloc(26);
  shared.writeUInt16LE(20, 0);
  shared.writeUInt16LE(flags, 2);
  shared.writeUInt16LE(method, 4);
  shared.writeUInt32LE(made.crc ?? crc32(content), 10);
  shared.writeUInt32LE(large ? 0xffff_ffff : packed.length, 14);
  shared.writeUInt32LE(large ? 0xffff_ffff : size, 18);
  shared.writeUInt16LE(name.length, 22);
  const extra = Buffer.alloc(large ? 20 : 0);
  if (large) {
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(16, 2);
    extra.writeBigUInt64LE(BigInt(size), 4);
    extra.writeBigUInt64LE(BigInt(packed.length), 12);
  }
  shared.writeUInt16LE(extra.length, 24);
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), shared, name, extra]);
  const central = Buffer.concat([Buffer.from('PK\x01\x02\x14\0'), shared, Buffer.alloc(14), name, extra]);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(files, 8);
  end.writeUInt16LE(files, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length + packed.length, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([local, packed, central, end, Buffer.from(comment)]);
}
