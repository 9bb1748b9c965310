// Credentials of providers: from the environment or the file that `<NAME>_FILE` names, or a refusal that says which is missing.
import { InvalidOptionError } from '../../../../src/core/errors.ts';
import type { SourceContext } from '../port.ts';

/** Returns the credentials `names` of `title`. Throws {@link InvalidOptionError} that names each missing variable. */
export function requiredCredentials<Name extends string>(
  context: Pick<SourceContext, 'credential'>,
  title: string,
  names: readonly Name[],
): Record<Name, string> {
  const found = names.map((name) => [name, context.credential(name)] as const);
  const missing = found.filter(([, value]) => value === undefined).map(([name]) => name);
  if (missing.length > 0) {
    throw new InvalidOptionError(
      `Expected ${missing.join(' and ')} in the environment (or a file named by ${missing.map((name) => `${name}_FILE`).join(', ')}) for ${title}, was missing`,
      missing.map((name) => ({ pointer: `env/${name}`, expected: 'a credential', received: 'missing' })),
    );
  }
  return Object.fromEntries(found) as Record<Name, string>;
}
