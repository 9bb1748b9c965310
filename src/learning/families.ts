// Every family of models by its name in requests.
import { InvalidOptionError } from '../core/errors.ts';
import { CLASSIC_FAMILIES } from './classic/index.ts';
import { DEEP_FAMILIES } from './deep/index.ts';
import type { Family, Task } from './family.ts';
import { TREE_FAMILIES } from './trees/index.ts';

/** All families, in the order of listings. */
export const FAMILIES: readonly Family[] = [
  ...CLASSIC_FAMILIES,
  ...(TREE_FAMILIES as readonly Family[]),
  ...(DEEP_FAMILIES as readonly Family[]),
];

/** Returns a family. Throws InvalidOptionError that names those there are. */
export function familyOf(name: string): Family {
  const found = FAMILIES.find((family) => family.name === name);
  if (found) return found;
  const expected = `one of ${FAMILIES.map((family) => family.name).join(', ')}`;
  throw new InvalidOptionError(`Expected ${expected} for family, was ${name}`, [
    { pointer: '/family', expected },
  ]);
}

/**
 * Returns the options of a family with its defaults. Throws InvalidOptionError for a task that it does not learn, and with a pointer
 * below `/options` for each option that does not hold.
 */
export function checkedOptions(family: Family, task: Task, options: unknown): unknown {
  if (!family.tasks.includes(task)) {
    const expected = `${family.tasks.join(' or ')}, which ${family.name} learns`;
    throw new InvalidOptionError(`Expected ${expected}, was ${task}`, [{ pointer: '/task', expected }]);
  }
  const parsed = family.options.safeParse(options);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map(({ path, message }) => ({
    pointer: ['/options', ...path.map(String)].join('/'),
    expected: message,
  }));
  throw new InvalidOptionError(`${errors[0]!.expected} for ${errors[0]!.pointer}`, errors);
}
