// Postgres behind the database port.
import { POSTGRES_BIN, TestPostgres } from '../../test/support/postgres.ts';
import { storeConformance } from './conformance.ts';
import { openPostgres } from './postgres.ts';

storeConformance(
  'Postgres',
  async () => {
    const server = await TestPostgres.start();
    return {
      open: (engine, schemas) =>
        openPostgres(schemas, { settings: server.settings(), engine, timeoutMs: 5000 }),
      stop: () => server.stop(),
    };
  },
  POSTGRES_BIN !== null,
);
