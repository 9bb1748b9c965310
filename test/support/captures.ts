// The real captures of Binance as lines, and files of changed ones.
import { gunzipSync, gzipSync } from 'node:zlib';
import { sharedData } from '../shared-data.ts';

const FILES = { spot: 'binance-spot-btcusdt-20240808', futures: 'binance-usdm-btcusdt-20240808' } as const;

export type CaptureName = keyof typeof FILES;

/** Returns the path of a capture, or null when this machine does not have it. */
export function capturePath(name: CaptureName): string | null {
  return sharedData(`captures/${FILES[name]}.gz`);
}

/** Returns the first `count` lines of a capture, or null when this machine does not have it. */
export async function captureLines(
  name: CaptureName,
  count = Number.POSITIVE_INFINITY,
): Promise<string[] | null> {
  const path = capturePath(name);
  if (path === null) return null;
  const lines = gunzipSync(await Bun.file(path).bytes())
    .toString()
    .trimEnd()
    .split('\n');
  return lines.slice(0, count);
}

/** Hands bytes on in pieces, as a file or a request does. */
export async function* inPieces(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Returns lines as a gzip file. */
export function gzipLines(lines: readonly string[]): Uint8Array {
  return gzipSync(lines.map((line) => `${line}\n`).join(''));
}
