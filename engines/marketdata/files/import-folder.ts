// The only folder from which files are read because a request names them.
import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { InvalidOptionError, NotFoundError } from '../../../src/core/errors.ts';

/**
 * Returns the real path of the file that `name` means within `folder`. Throws InvalidOptionError for a name that leads out of it, also by a symbolic
 * link, and NotFoundError where there is no such file. `pointer` says where the request has the name.
 */
export async function allowedFile(folder: string, name: string, pointer: string): Promise<string> {
  const refused = () =>
    new InvalidOptionError(
      `Expected the path of a file within the import folder (NAUTILUS_IMPORT_DIR) for ${pointer}, was another`,
      [{ pointer, expected: 'a path within the import folder' }],
    );
  if (name.includes('\0')) throw refused();
  const root = await realpath(folder).catch(() => null);
  const missing = () => new NotFoundError('No such file in the import folder (NAUTILUS_IMPORT_DIR)');
  if (root === null) throw missing();
  if (!isWithin(root, isAbsolute(name) ? name : join(root, name))) throw refused();
  const path = await realpath(isAbsolute(name) ? name : join(root, name)).catch(() => null);
  if (path === null) throw missing();
  if (!isWithin(root, path)) throw refused();
  if (!(await stat(path)).isFile()) throw missing();
  return path;
}

function isWithin(root: string, path: string): boolean {
  const from = relative(root, path);
  return from !== '..' && !from.startsWith(`..${sep}`) && !isAbsolute(from);
}
