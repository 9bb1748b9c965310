// Shared libraries of other projects, opened when the system has them.
import { dlopen, type FFIFunction } from 'bun:ffi';
import { BackendUnavailableError } from '../../../core/errors.ts';

/** A library that may be there. */
export interface Wanted {
  readonly title: string;
  /** Environment variable that names its file. */
  readonly variable: string;
  /** Names that the system's loader knows it by, tried in this order. */
  readonly names: readonly string[];
  /** How to get it. */
  readonly install: string;
}

/** Returns the functions of the library. Throws BackendUnavailableError that says how to install it. */
export function openLibrary<T extends Record<string, FFIFunction>>(
  wanted: Wanted,
  functions: T,
): ReturnType<typeof dlopen<T>>['symbols'] {
  const named = process.env[wanted.variable];
  for (const name of named ? [named] : wanted.names) {
    try {
      return dlopen(name, functions).symbols;
    } catch {
      // The next name; what is wrong with one that is there is said below.
    }
  }
  const where = named ? `the file that ${wanted.variable} names` : `a library ${wanted.names.join(' or ')}`;
  throw new BackendUnavailableError(
    `Expected ${wanted.title} as ${where}, was absent or refused by the linker: ${wanted.install}, or use engine native`,
  );
}

/** Returns text as C reads it. */
export const text = (value: string): Buffer => Buffer.from(`${value}\0`);

/** What the fit of a library gives. */
export interface ExternalModel {
  /** The file that the library would save. */
  readonly bytes: Uint8Array;
  /** [columns]: gain of all splits. */
  readonly gains: Float64Array;
}

/** A fit of a library, one round at a time. Each call holds the thread. */
export interface ExternalFit {
  round(): void;
  /** Returns the loss of the rows of training, or of validation. */
  loss(validation: boolean): number;
  /** Returns the model of the first `rounds` rounds. */
  model(rounds: number): ExternalModel;
  close(): void;
}
