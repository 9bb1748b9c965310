// Files that wait to be imported: `uploads/<job id>` in the data folder, each for as long as its job has not ended.
import { mkdirSync, readdirSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TooManyRequestsError } from '../../src/core/errors.ts';

/** Files that may wait at once. */
export const MAX_UPLOADS = 16;

/** The folder of uploaded files. */
export class Uploads {
  readonly #folder: string;
  readonly #durable: boolean;

  /** With `durable`, a stored file survives the end of the power. */
  constructor(dataDir: string, durable: boolean) {
    this.#folder = join(dataDir, 'uploads');
    this.#durable = durable;
  }

  /** Makes the folder: bodies leave nothing new beside the store. */
  prepare(): void {
    mkdirSync(this.#folder, { recursive: true });
  }

  /** Stores a body. Throws what `body` throws, and TooManyRequestsError while too many files wait; then nothing is left of it. */
  async save(id: string, body: AsyncIterable<Uint8Array>): Promise<void> {
    if (this.ids().length >= MAX_UPLOADS)
      throw new TooManyRequestsError(`${MAX_UPLOADS} files wait to be imported: try again later`, 10);
    let file: FileHandle | undefined;
    try {
      file = await open(this.path(id), 'wx');
      for await (const chunk of body) await file.writeFile(chunk);
      if (this.#durable) await file.sync();
      await file.close();
    } catch (error) {
      await file?.close().catch(() => {});
      await this.remove(id);
      throw error;
    }
  }

  async remove(id: string): Promise<void> {
    await rm(this.path(id), { force: true });
  }

  /** Ids of all stored files. */
  ids(): string[] {
    try {
      return readdirSync(this.#folder);
    } catch {
      return [];
    }
  }

  /** Where a file is, or would be. */
  path(id: string): string {
    return join(this.#folder, id);
  }
}
