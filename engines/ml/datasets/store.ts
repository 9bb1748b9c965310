// Tables to train on, kept in the data folder: one folder for each, named by the hash of what it holds.
import * as disk from 'node:fs/promises';
import { join } from 'node:path';
import {
  ConflictError,
  NautilusError,
  NotFoundError,
  QuotaExceededError,
  StorageUnavailableError,
} from '../../../src/core/errors.ts';
import { newId } from '../../../src/core/ids.ts';
import { turn } from '../../../src/core/turn.ts';
import { type Frame, frameHash } from '../../../src/learning/tables/frame.ts';
import type { FrameFile } from '../../../src/learning/tables/read-csv.ts';
import { type Dataset, datasetSchema } from './schemas.ts';

/** Most tables at once. */
export const MAX_DATASETS = 1000;

const CARD = 'dataset.json';
const NUMBERS = 'columns.bin';
const UNFINISHED = '.new-';

/** 503: the files of a table contradict each other. */
export class DatasetIntegrityError extends NautilusError {
  constructor(id: string) {
    super(
      'dataset-integrity',
      503,
      'Dataset integrity',
      `Expected the files of ${id} as they were written: delete it and send it again`,
    );
  }
}

/** How a rename to a folder that holds something is refused. */
const IN_THE_WAY: readonly unknown[] = ['ENOTEMPTY', 'EEXIST'];

/** The calls of the file system that write; tests let them fail. */
export type Disk = Pick<typeof disk, 'mkdir' | 'open' | 'rename' | 'rm'>;

/** The folder of tables. */
export class DatasetStore {
  readonly #folder: string;
  readonly #durable: boolean;
  readonly #maxBytes: number;
  readonly #disk: Disk;
  /** Bytes of tables that are being written. */
  #writing = 0;

  /** With `durable`, a stored table survives the end of the power. Tables beyond `maxBytes` together are refused. */
  constructor(dataDir: string, durable: boolean, maxBytes = Number.POSITIVE_INFINITY, files: Disk = disk) {
    this.#disk = files;
    this.#maxBytes = maxBytes;
    this.#folder = join(dataDir, 'datasets');
    this.#durable = durable;
  }

  /** Removes what an earlier process left unfinished. */
  async start(): Promise<void> {
    for (const entry of await this.#entries()) {
      if (entry.startsWith(UNFINISHED))
        await this.#disk.rm(join(this.#folder, entry), { recursive: true, force: true });
    }
  }

  /**
   * Stores a table under the hash of its numbers and returns its card; the same numbers are stored once, and keep their first name.
   * A crash in between, or a full disk, leaves nothing. Throws ConflictError when there are {@link MAX_DATASETS}, QuotaExceededError,
   * StorageUnavailableError when the disk is full or can't be written.
   */
  async save(file: FrameFile, name: string, nowUs: number): Promise<Dataset> {
    const sha256 = await frameHash(file.frame);
    const id = sha256.slice(0, 16);
    const known = await this.get(id).catch(() => null);
    if (known) return known;
    if ((await this.#ids()).length >= MAX_DATASETS) {
      throw new ConflictError(
        `Expected fewer than ${MAX_DATASETS} datasets: delete one that is no longer needed`,
      );
    }
    const card = await describe(file, { dataset_id: id, name, sha256, created_us: nowUs });
    const parts = pieces(file.frame);
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    await this.#checkRoom(bytes);
    this.#writing += bytes;
    try {
      return await this.#store(id, parts, card);
    } finally {
      this.#writing -= bytes;
    }
  }

  async #checkRoom(bytes: number): Promise<void> {
    let stored = 0;
    for (const id of await this.#ids()) stored += this.#file(id, NUMBERS).size;
    if (stored + this.#writing + bytes <= this.#maxBytes) return;
    throw new QuotaExceededError(
      `Expected tables within ${this.#maxBytes} bytes, which NAUTILUS_DATASETS_MAX sets: delete one that is no longer needed`,
      this.#maxBytes,
      bytes,
    );
  }

  async #store(id: string, parts: readonly Uint8Array[], card: Dataset): Promise<Dataset> {
    const unfinished = join(this.#folder, `${UNFINISHED}${newId()}`);
    try {
      await this.#disk.mkdir(unfinished, { recursive: true });
      await this.#write(join(unfinished, NUMBERS), parts);
      await this.#write(join(unfinished, CARD), [new TextEncoder().encode(JSON.stringify(card))]);
      return (await this.#place(unfinished, id)) ?? card;
    } catch (error) {
      throw told(error);
    } finally {
      await this.#disk.rm(unfinished, { recursive: true, force: true }).catch(() => undefined);
    }
  }

  // Resolves to the card of equal numbers that came at the same moment and were first; null where these are now in place.
  async #place(unfinished: string, id: string): Promise<Dataset | null> {
    for (;;) {
      try {
        await this.#disk.rename(unfinished, join(this.#folder, id));
        return null;
      } catch (error) {
        if (!IN_THE_WAY.includes((error as NodeJS.ErrnoException).code)) throw error;
      }
      const first = await this.get(id).catch(() => null);
      if (first) return first;
      // What is in the way is damaged.
      await this.#disk.rm(join(this.#folder, id), { recursive: true, force: true });
    }
  }

  /** Returns the cards of all tables, newest first; a damaged one is left out. */
  async list(): Promise<Dataset[]> {
    const cards = await Promise.all((await this.#ids()).map((id) => this.get(id).catch(() => null)));
    return cards.filter((card) => card !== null).sort((a, b) => b.created_us - a.created_us);
  }

  /** Throws NotFoundError, DatasetIntegrityError. */
  async get(id: string): Promise<Dataset> {
    const text = await this.#file(id, CARD)
      .text()
      .catch(() => null);
    if (text === null) throw new NotFoundError('Expected the id of a dataset');
    try {
      return datasetSchema.parse(JSON.parse(text));
    } catch {
      throw new DatasetIntegrityError(id);
    }
  }

  /** Returns a table whose numbers have the hash of its card. Throws NotFoundError, DatasetIntegrityError. */
  async open(id: string): Promise<{ readonly card: Dataset; readonly frame: Frame }> {
    const card = await this.get(id);
    const bytes = await this.#file(id, NUMBERS)
      .arrayBuffer()
      .catch(() => null);
    const { rows, columns } = card;
    if (bytes?.byteLength !== rows * (8 + 4) + (rows % 2) * 4 + columns.length * rows * 8) {
      throw new DatasetIntegrityError(id);
    }
    const from = rows * 8 + Math.ceil(rows / 2) * 8;
    const frame: Frame = {
      rows,
      tsUs: new Float64Array(bytes, 0, rows),
      series: card.series,
      seriesOf: new Uint32Array(bytes, rows * 8, rows),
      columns: new Map(
        columns.map(({ name }, c) => [name, new Float64Array(bytes, from + c * rows * 8, rows)]),
      ),
    };
    if ((await frameHash(frame)) !== card.sha256) throw new DatasetIntegrityError(id);
    return { card, frame };
  }

  /** Throws NotFoundError. */
  async remove(id: string): Promise<void> {
    if (!(await this.#ids()).includes(id)) throw new NotFoundError('Expected the id of a dataset');
    await this.#disk.rm(join(this.#folder, id), { recursive: true, force: true });
  }

  #file(id: string, name: string) {
    // The id comes from a path: it must not leave the folder.
    return Bun.file(join(this.#folder, /^[0-9a-f]{16}$/.test(id) ? id : 'none', name));
  }

  async #ids(): Promise<string[]> {
    return (await this.#entries()).filter((entry) => /^[0-9a-f]{16}$/.test(entry));
  }

  #entries(): Promise<string[]> {
    return disk.readdir(this.#folder).catch(() => []);
  }

  async #write(path: string, parts: readonly Uint8Array[]): Promise<void> {
    const file = await this.#disk.open(path, 'wx');
    try {
      for (const part of parts) await file.writeFile(part);
      if (this.#durable) await file.sync();
    } finally {
      await file.close();
    }
  }
}

function told(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code !== 'string') return error;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  const why = isFull ? 'No space is left' : 'The data folder cannot be written';
  const failure = new StorageUnavailableError(`${why} for a table (${code})`);
  failure.cause = error;
  return failure;
}

// Times, series, filled up to 8 bytes, then the columns, all little endian.
function pieces({ rows, tsUs, seriesOf, columns }: Frame): Uint8Array[] {
  const of = new Uint32Array(Math.ceil(rows / 2) * 2);
  of.set(seriesOf);
  return [tsUs, of, ...columns.values()].map((x) => new Uint8Array(x.buffer, x.byteOffset, x.byteLength));
}

type Head = Pick<Dataset, 'dataset_id' | 'name' | 'sha256' | 'created_us'>;

async function describe({ frame, rejected, errors }: FrameFile, head: Head): Promise<Dataset> {
  const columns: Dataset['columns'] = [];
  for (const [name, values] of frame.columns) {
    await turn();
    columns.push({ name, ...summary(values) });
  }
  return {
    ...head,
    rows: frame.rows,
    series: [...frame.series],
    from_us: frame.tsUs[0]!,
    to_us: frame.tsUs.at(-1)!,
    columns,
    rejected,
    errors: [...errors],
  };
}

function summary(values: Float64Array) {
  let [count, sum, min, max] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    count++;
    sum += value;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  const missing = values.length - count;
  return count === 0
    ? { missing, min: null, max: null, mean: null }
    : { missing, min, max, mean: sum / count };
}
