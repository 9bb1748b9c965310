// Hot path: the look-up of a version behind each first prediction of a reference, of a page, and of each deployment. The same look-up among
// 100,000 versions and among 1,000 takes turns: a ratio above 1 means that it grows with the versions that there are.
import { fillVersions, openStore } from '../../engines/ml/registry/test-store.ts';
import { POSTGRES_BIN, TestPostgres } from '../../test/support/postgres.ts';
import { comparePairs } from '../pairs.ts';
import { isQuick, PAIR_COLUMNS, pairRow, publish } from '../report.ts';

const PAIRS = isQuick ? 15 : 31;
const FEW = 1000;
const MANY = 100_000;

async function compare(where: string, env: (prefix: string) => Record<string, string>): Promise<string[][]> {
  const few = await openStore(env('few_'));
  const many = await openStore(env('many_'));
  await fillVersions(few.database, FEW);
  await fillVersions(many.database, MANY);
  const looks = {
    'a model': ({ store }: typeof few) => store.queries.model('m7'),
    'a version by number': ({ store }: typeof few) => store.queries.named('m7', '50'),
    'the newest version': ({ store }: typeof few) => store.queries.named('m7', 'latest'),
    'whether an artefact is needed': ({ store }: typeof few) => store.queries.withVersions(['sha700']),
  };
  const rows: string[][] = [];
  for (const [name, look] of Object.entries(looks)) {
    const sides = { a: () => look(few), b: () => look(many) };
    const result = await comparePairs({ name: `${where}: ${name}`, pairs: PAIRS, minSampleMs: 10, ...sides });
    rows.push(pairRow(result, `among ${MANY} instead of ${FEW} versions`));
  }
  await few.close();
  await many.close();
  return rows;
}

const rows = await compare('SQLite', () => ({ DATABASE_URL: '' }));
if (POSTGRES_BIN !== null) {
  const server = await TestPostgres.start();
  const env = (prefix: string) => ({ DATABASE_URL: server.url, NAUTILUS_DATABASE_SCHEMA_PREFIX: prefix });
  rows.push(...(await compare('Postgres', env)));
  await server.stop();
}
publish({
  title: 'Registry of models',
  note: `Look-ups among ${MANY} versions (the rival) beside the same ones among ${FEW}. A ratio that grows means a look-up without an index.`,
  columns: PAIR_COLUMNS,
  rows,
});
