// Models that a search ended with, kept in the data folder until they are deployed.
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StorageUnavailableError } from '../../../src/core/errors.ts';
import { newId } from '../../../src/core/ids.ts';
import type { Finished } from './messages.ts';

const ID = /^[0-9a-f-]{36}$/;

/** A folder for each search, two files for each choice: the graph, and all else as JSON. */
export class Files {
  readonly #folder: string;

  constructor(dataDir: string) {
    this.#folder = join(dataDir, 'searches');
  }

  /** Keeps a model whole or not at all. Throws StorageUnavailableError. */
  async save(searchId: string, choice: string, { bytes, ...rest }: Finished): Promise<void> {
    const folder = this.#of(searchId);
    try {
      await mkdir(folder, { recursive: true });
      await this.#write(join(folder, `${choice}.onnx`), bytes);
      // Last: what it names is there.
      await this.#write(join(folder, `${choice}.json`), JSON.stringify(rest));
    } catch (cause) {
      const { code = 'unknown' } = cause as NodeJS.ErrnoException;
      const error = new StorageUnavailableError(`The data folder cannot be written for a search (${code})`);
      error.cause = cause;
      throw error;
    }
  }

  /** Null where it is not there. */
  async load(searchId: string, choice: string): Promise<Finished | null> {
    const folder = this.#of(searchId);
    try {
      const rest = await Bun.file(join(folder, `${choice}.json`)).json();
      return { ...rest, bytes: await Bun.file(join(folder, `${choice}.onnx`)).bytes() };
    } catch {
      return null;
    }
  }

  /** Removes the folders of searches that `isKnown` does not know. Never rejects. */
  async sweep(isKnown: (id: string) => Promise<boolean>): Promise<void> {
    for (const id of await readdir(this.#folder).catch(() => [])) {
      if (!ID.test(id) || (await isKnown(id))) continue;
      await rm(join(this.#folder, id), { recursive: true, force: true }).catch(() => undefined);
    }
  }

  #of(searchId: string): string {
    // The id comes from a path: it must not leave the folder.
    return join(this.#folder, ID.test(searchId) ? searchId : 'none');
  }

  async #write(path: string, content: Uint8Array | string): Promise<void> {
    const unfinished = `${path}.${newId()}.new`;
    await Bun.write(unfinished, content);
    await rename(unfinished, path);
  }
}
