// Formats of files, told by their first bytes.
export const FORMATS = ['csv', 'parquet', 'arrow', 'binance-capture'] as const;
export type Format = (typeof FORMATS)[number];

/** Bytes that {@link formatOf} looks at. */
export const HEAD_BYTES = 64;

/** Returns the format of a file by its first bytes, after unpacking; `csv` for text that is no capture, `zip` and null for what is not read. */
export function formatOf(head: Uint8Array): Format | 'zip' | null {
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1');
  if (text.startsWith('PAR1')) return 'parquet';
  if (text.startsWith('ARROW1') || text.startsWith('\xff\xff\xff\xff')) return 'arrow';
  if (text.startsWith('PK\x03\x04')) return 'zip';
  if (/^\d{16,19} +\{/.test(text)) return 'binance-capture';
  return text.includes('\0') ? null : 'csv';
}
