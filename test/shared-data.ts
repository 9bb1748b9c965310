// Where tests and benches find the real market data; product code never reads it.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dir, '../../shared/data');

/** Returns the path of one shared data file, or null when this machine does not have it (the test then says so and skips). */
export function sharedData(name: string): string | null {
  const path = resolve(root, name);
  return existsSync(path) ? path : null;
}
