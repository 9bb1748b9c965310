// SQLite behind the database port.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeConformance } from './conformance.ts';
import { openSqlite } from './sqlite-database.ts';

storeConformance('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sqlite-'));
  return {
    open: async (name, schemas) => openSqlite(join(folder, `${name}.sqlite`), schemas),
    stop: () => rmSync(folder, { recursive: true, force: true }),
  };
});
