// All state of a run as bytes, from which it goes on to the same bits as if it had never stopped.
import { z } from 'zod';
import { ConflictError, MalformedBodyError } from '../../core/errors.ts';

/** One finished epoch. */
export interface EpochRecord {
  readonly epoch: number;
  /** Weighted mean over the epoch's steps, as the parameters went. */
  readonly loss: number;
  readonly validation_loss?: number | undefined;
}

/** Where a run is. */
export interface RunState {
  /** Steps done. */
  readonly step: number;
  /** Sum of weighted losses and of weights in the epoch that is not finished. */
  readonly epochLoss: number;
  readonly epochWeight: number;
  readonly history: readonly EpochRecord[];
  /** Best validation loss and its epoch; null before the first. */
  readonly best: { readonly loss: number; readonly epoch: number } | null;
  /** Parameters and moments. */
  readonly vectors: readonly Float32Array[];
  /** Parameters of the best epoch; absent before the first and without validation data. */
  readonly bestParameters?: Float32Array | undefined;
}

const MAGIC = 'NAUTCKP1';

const headerSchema = z.object({
  fingerprint: z.string(),
  step: z.int().min(0),
  epochLoss: z.number(),
  epochWeight: z.number(),
  history: z.array(z.object({ epoch: z.int(), loss: z.number(), validation_loss: z.number().optional() })),
  best: z.object({ loss: z.number(), epoch: z.int() }).nullable(),
  lengths: z.array(z.int().min(0)).max(5),
  hasBest: z.boolean(),
  digest: z.string(),
});

/** Returns what tells whole vectors from those of a file that the end of the power cut: its length alone does not. */
function digestOf(vectors: readonly Uint8Array[]): string {
  return vectors.reduce((digest, bytes) => Bun.hash.wyhash(bytes, digest), 0n).toString(16);
}

const bytesOf = (array: Float32Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** Returns the bytes of a checkpoint; `fingerprint` says of which run it is. */
export function encodeCheckpoint(state: RunState, fingerprint: string): Uint8Array<ArrayBuffer> {
  const { vectors, bestParameters, ...plain } = state;
  const arrays = bestParameters ? [...vectors, bestParameters] : vectors;
  const lengths = arrays.map((array) => array.length);
  const digest = digestOf(arrays.map(bytesOf));
  const header = { ...plain, fingerprint, lengths, hasBest: bestParameters !== undefined, digest };
  const text = new TextEncoder().encode(JSON.stringify(header));
  // Vectors start at a multiple of 4, so that they can be read in place.
  const start = Math.ceil((MAGIC.length + 4 + text.length) / 4) * 4;
  const bytes = new Uint8Array(start + 4 * lengths.reduce((a, b) => a + b, 0));
  bytes.set(new TextEncoder().encode(MAGIC));
  new DataView(bytes.buffer).setUint32(MAGIC.length, text.length, true);
  bytes.set(text, MAGIC.length + 4);
  let at = start;
  for (const array of arrays) {
    bytes.set(bytesOf(array), at);
    at += array.byteLength;
  }
  return bytes;
}

/**
 * Returns the state in a checkpoint. Throws MalformedBodyError for bytes that are none, ConflictError for one of another
 * run (other data, options, network or seed).
 */
export function decodeCheckpoint(bytes: Uint8Array, fingerprint: string): RunState {
  const { fingerprint: its, lengths, hasBest, digest, start, ...plain } = headerOf(bytes);
  if (its !== fingerprint) throw new ConflictError('Expected a checkpoint of this run, was one of another');
  let at = start;
  const arrays = lengths.map((length) => {
    const array = new Float32Array(bytes.slice(at, at + 4 * length).buffer);
    at += 4 * length;
    return array;
  });
  if (digestOf(arrays.map(bytesOf)) !== digest)
    throw new MalformedBodyError('Expected a checkpoint, was damaged');
  const bestParameters = hasBest ? arrays.pop() : undefined;
  return { ...plain, vectors: arrays, bestParameters };
}

function headerOf(bytes: Uint8Array) {
  const broken = (what: string) => new MalformedBodyError(`Expected a checkpoint, was ${what}`);
  const size = MAGIC.length + 4;
  if (bytes.length < size || new TextDecoder().decode(bytes.subarray(0, MAGIC.length)) !== MAGIC) {
    throw broken('something else');
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.length, true);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes.subarray(size, size + length)));
  } catch {
    throw broken('cut off or damaged');
  }
  const header = headerSchema.safeParse(json);
  if (!header.success) throw broken('damaged');
  const start = Math.ceil((size + length) / 4) * 4;
  if (bytes.length !== start + 4 * header.data.lengths.reduce((a, b) => a + b, 0)) throw broken('cut off');
  return { ...header.data, start };
}
