// History that cannot be read is an error of its provider, as there is nobody to count it for.
import { ProviderError } from '../../../../src/core/errors.ts';
import { Unreadable } from './fields.ts';

/** Runs `read`; what it finds unreadable becomes a {@link ProviderError}. */
export function unreadable<T>(provider: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Unreadable)
      throw new ProviderError(
        `Expected an answer as ${provider} documents it, was ${error.message}`,
        provider,
        200,
      );
    throw error;
  }
}
