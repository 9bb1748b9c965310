// Formats of files, told by their first bytes.
export const FORMATS = ['csv', 'parquet', 'arrow', 'binance-capture'] as const;
export type Format = (typeof FORMATS)[number];

/** Times the limit of its own size that a compressed file may unpack to: text rarely gains more, and what does is likely made to fill the disk. */
export const MAX_EXPANSION = 32;

/** Bytes that {@link formatOf} looks at. */
export const HEAD_BYTES = 64;

/** Whether the first bytes are those of gzip. */
export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

/** Whether the first bytes are those of a zip archive. */
export function isZip(head: Uint8Array): boolean {
  return Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1', 0, 4) === 'PK\x03\x04';
}

/** Returns the format of a file by its first bytes, after unpacking; `csv` for text that is no capture, null for what is not read. */
export function formatOf(head: Uint8Array): Format | null {
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1');
  if (text.startsWith('PAR1')) return 'parquet';
  if (text.startsWith('ARROW1') || text.startsWith('\xff\xff\xff\xff')) return 'arrow';
  if (/^\d{16,19} +\{/.test(text)) return 'binance-capture';
  return text.includes('\0') ? null : 'csv';
}
