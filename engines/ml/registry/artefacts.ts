// Files of models by the hash of their bytes: written whole or not at all, shared by equal versions, swept when nobody needs them.
import { type Stats, statSync } from 'node:fs';
import * as disk from 'node:fs/promises';
import { join } from 'node:path';
import {
  NautilusError,
  NotFoundError,
  QuotaExceededError,
  StorageUnavailableError,
} from '../../../src/core/errors.ts';
import { newId } from '../../../src/core/ids.ts';
import { ModelIntegrityError } from '../../../src/onnx/errors.ts';
import { readBounded } from '../../../src/onnx/file.ts';
import { MAX_MODEL_BYTES } from '../../../src/onnx/inspect.ts';
import { sha256 } from '../../../src/onnx/registry.ts';

/** A stored file. */
export interface Artefact {
  readonly sha256: string;
  readonly bytes: number;
}

/** The calls of the file system that write; tests let them fail. */
export type Disk = Pick<typeof disk, 'mkdir' | 'open' | 'rename' | 'rm' | 'utimes'>;

/** A file that nobody needs stays for so long: another process may be about to need it. */
export const SWEEP_AGE_MS = 3_600_000;
const TEMPORARY = 'tmp-';
const NAME = /^[0-9a-f]{64}$/;
/** Hashes that one question to the database is about. */
const BATCH = 100;

/** The folder of artefacts: `<folder>/<first two letters>/<sha256>`. */
export class Artefacts {
  readonly #folder: string;
  readonly #disk: Disk;
  /** Hashes in use by work that is not stored yet, with how often. */
  readonly #held = new Map<string, number>();
  readonly #removing = new Map<string, Promise<unknown>>();
  readonly #putting = new Map<string, Promise<unknown>>();
  readonly #maxBytes: number;
  /** Bytes of all files, and of those that are being written; counted on the disk before the first one is. */
  #used: Promise<{ bytes: number }> | undefined;

  /** Files beyond `maxBytes` together are refused. */
  constructor(folder: string, files: Disk = disk, maxBytes = Number.POSITIVE_INFINITY) {
    this.#folder = folder;
    this.#disk = files;
    this.#maxBytes = maxBytes;
  }

  /**
   * Stores `bytes` and returns what `use` returns; no sweep takes the file before `use` has ended. Equal bytes are one file. Throws
   * StorageUnavailableError when the disk is full or cannot be written, and QuotaExceededError: then there is no file, and `use` was not called.
   */
  async keep<T>(bytes: Uint8Array, use: (artefact: Artefact) => Promise<T>): Promise<T> {
    const hash = sha256(bytes);
    this.#held.set(hash, (this.#held.get(hash) ?? 0) + 1);
    try {
      await this.#removing.get(hash);
      await this.#put(hash, bytes).catch((error) => {
        throw told(error);
      });
      return await use({ sha256: hash, bytes: bytes.length });
    } finally {
      const left = this.#held.get(hash)! - 1;
      if (left === 0) this.#held.delete(hash);
      else this.#held.set(hash, left);
    }
  }

  /** Returns the bytes of an artefact. Throws ModelIntegrityError when it is absent or another file. */
  async read({ sha256: hash, bytes: length }: Artefact): Promise<Uint8Array> {
    const bytes = await readBounded(this.#pathOf(hash), MAX_MODEL_BYTES).catch((error) => {
      if (!(error instanceof NotFoundError)) throw error;
      throw new ModelIntegrityError('Expected the artefact of this version in the data folder, was absent');
    });
    if (bytes.length !== length || sha256(bytes) !== hash) {
      throw new ModelIntegrityError('Expected the artefact of this version as it was stored, was changed');
    }
    return bytes;
  }

  /**
   * Removes artefacts that no version has, and parts of files that a process left behind, both once they are an hour old. `needed`
   * returns those among some hashes that a version has. Returns how many files went. A failure leaves the rest for the next time.
   */
  async sweep(
    needed: (hashes: readonly string[]) => Promise<ReadonlySet<string>>,
    nowMs: number,
  ): Promise<number> {
    let removed = 0;
    const isOld = (path: string) => {
      const stat: Stats | undefined = statSync(path, { throwIfNoEntry: false });
      return stat !== undefined && nowMs - stat.mtimeMs >= SWEEP_AGE_MS;
    };
    const top = await namesIn(this.#folder);
    for (const name of top.filter((n) => n.startsWith(TEMPORARY))) {
      const path = join(this.#folder, name);
      if (!isOld(path)) continue;
      await this.#disk.rm(path, { force: true });
      removed++;
    }
    for (const name of top.filter((n) => /^[0-9a-f]{2}$/.test(n))) {
      const hashes = (await namesIn(join(this.#folder, name))).filter((n) => NAME.test(n));
      for (let from = 0; from < hashes.length; from += BATCH) {
        const batch = hashes.slice(from, from + BATCH);
        const kept = await needed(batch);
        for (const hash of batch.filter((h) => !kept.has(h))) {
          // From here to the removal nothing else runs: who needs the file now has made it new, or holds it.
          if (!isOld(this.#pathOf(hash)) || this.#held.has(hash)) continue;
          const freed = bytesAt(this.#pathOf(hash));
          const removing = this.#disk.rm(this.#pathOf(hash), { force: true });
          this.#removing.set(
            hash,
            removing.catch(() => undefined),
          );
          await removing.finally(() => this.#removing.delete(hash));
          const used = await this.#used;
          if (used) used.bytes -= freed;
          removed++;
        }
      }
    }
    return removed;
  }

  /** Equal bytes are written, and counted, once. */
  async #put(hash: string, bytes: Uint8Array): Promise<void> {
    while (this.#putting.has(hash)) await this.#putting.get(hash);
    const putting = this.#putAlone(hash, bytes);
    this.#putting.set(
      hash,
      putting.catch(() => undefined),
    );
    await putting.finally(() => this.#putting.delete(hash));
  }

  async #putAlone(hash: string, bytes: Uint8Array): Promise<void> {
    const path = this.#pathOf(hash);
    if (await this.#isWhole(path, hash, bytes.length)) {
      // New again, so that a sweep of another process leaves it alone until its version is stored.
      const now = new Date();
      return this.#disk.utimes(path, now, now);
    }
    // A damaged file of this hash is counted already.
    const more = bytes.length - bytesAt(path);
    const used = await this.#count();
    if (used.bytes + more > this.#maxBytes) {
      const expected = `files of models within ${this.#maxBytes} bytes, which NAUTILUS_ARTEFACTS_MAX sets`;
      throw new QuotaExceededError(
        `Expected ${expected}: delete versions that are no longer needed`,
        this.#maxBytes,
        bytes.length,
      );
    }
    used.bytes += more;
    await this.#add(path, bytes).catch((error) => {
      used.bytes -= more;
      throw error;
    });
  }

  async #count(): Promise<{ bytes: number }> {
    this.#used ??= this.#sum().catch((error) => {
      this.#used = undefined;
      throw error;
    });
    return this.#used;
  }

  async #sum(): Promise<{ bytes: number }> {
    let bytes = 0;
    for (const name of (await namesIn(this.#folder)).filter((n) => /^[0-9a-f]{2}$/.test(n))) {
      for (const file of await namesIn(join(this.#folder, name)))
        bytes += bytesAt(join(this.#folder, name, file));
    }
    return { bytes };
  }

  async #add(path: string, bytes: Uint8Array): Promise<void> {
    const folder = join(path, '..');
    await this.#disk.mkdir(folder, { recursive: true });
    const temporary = join(this.#folder, `${TEMPORARY}${newId()}`);
    try {
      await this.#write(temporary, bytes);
      await this.#disk.rename(temporary, path);
    } catch (error) {
      await this.#disk.rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
    // The names too have to survive the end of the power.
    for (const changed of [folder, this.#folder]) await this.#syncFolder(changed);
  }

  async #write(path: string, bytes: Uint8Array): Promise<void> {
    const file = await this.#disk.open(path, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async #syncFolder(path: string): Promise<void> {
    const folder = await this.#disk.open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  /** Whether the file is there with these bytes: one that was damaged is written again. */
  async #isWhole(path: string, hash: string, length: number): Promise<boolean> {
    const found = await readBounded(path, MAX_MODEL_BYTES).catch(() => null);
    return found !== null && found.length === length && sha256(found) === hash;
  }

  #pathOf(hash: string): string {
    return join(this.#folder, hash.slice(0, 2), hash);
  }
}

function bytesAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

async function namesIn(folder: string): Promise<string[]> {
  return disk.readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}

function told(error: unknown): unknown {
  if (error instanceof NautilusError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code !== 'string') return error;
  const why =
    code === 'ENOSPC' || code === 'EDQUOT' ? 'No space is left' : 'The data folder cannot be written';
  const failure = new StorageUnavailableError(`${why} for the file of a model (${code})`);
  failure.cause = error;
  return failure;
}
