// Reads a Parquet file in a process of its own: what is made to crash DuckDB or to fill memory ends that process, and nothing else.
import { join } from 'node:path';
import { ChildLostError, ChildProcess } from '../../../src/core/child-process.ts';
import { DependencyUnavailableError, MalformedBodyError, TooLargeError } from '../../../src/core/errors.ts';
import { type ParquetAnswer, type ParquetOrder, parquetAnswer } from './parquet-messages.ts';
import type { TableRows } from './tables.ts';

const PROGRAM = join(import.meta.dir, 'parquet-child.ts');
/** Resident bytes: those of DuckDB, and what the runtime and a block of rows take beside. */
const MEMORY_BYTES = 2 ** 30;
/** One block takes milliseconds. */
const BLOCK_MS = 60_000;

export interface ParquetLimits {
  /** Most bytes of text that the file may hold. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
  /** Most resident bytes of the process; 1 GiB when absent. */
  readonly memoryBytes?: number | undefined;
}

/** As `parquetRows` of parquet.ts. Throws what that throws, TooLargeError for a file that needs more memory, MalformedBodyError for one that ends its reader, and the reason of `signal`. */
export async function* parquetRowsApart(
  path: string,
  { maxBytes, signal, memoryBytes = MEMORY_BYTES }: ParquetLimits,
): AsyncGenerator<TableRows> {
  const child = new ChildProcess<ParquetOrder, ParquetAnswer>({
    program: PROGRAM,
    purpose: 'that reads a Parquet file',
    maxBytes: memoryBytes,
    answers: parquetAnswer,
    threads: 1,
    // What runs there may be the work of whoever made the file.
    serialization: 'json',
  });
  try {
    for (let order: ParquetOrder = { path, maxBytes }; ; order = {}) {
      const { rows } = await child.ask(order, { signal, timeoutMs: BLOCK_MS });
      if (!rows) return;
      yield rows;
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof ChildLostError ? lossOf(error, memoryBytes) : error;
  } finally {
    child.kill();
    await child.exited;
  }
}

function lossOf({ loss, how }: ChildLostError, memoryBytes: number): Error {
  if (loss === 'memory')
    return new TooLargeError('Expected a Parquet file that can be read within its memory limit', memoryBytes);
  if (loss === 'time')
    return new DependencyUnavailableError(`Expected rows of a Parquet file within ${BLOCK_MS / 1000} s`);
  return new MalformedBodyError(`Expected a readable Parquet file: its reader was ended by ${how}`);
}
