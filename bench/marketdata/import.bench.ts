// Hot path: a file on its way into the history. A regression means more work for each row: in splitting, in exact prices, in the gate, in the
// columns of the store; for Parquet also on the way from the process that reads it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { importFile } from '../../engines/marketdata/files/import-file.ts';
import { History } from '../../engines/marketdata/history/history.ts';
import { comparePairs, type Side } from '../pairs.ts';
import { grouped, isQuick, PAIR_COLUMNS, pairRow, publish } from '../report.ts';

const ROWS = isQuick ? 20_000 : 100_000;
const PAIRS = 15;
const START_US = 1_700_000_000_000_000;

const folder = mkdtempSync(join(tmpdir(), 'import-bench-'));
const csv = join(folder, 'trades.csv');
const parquet = join(folder, 'trades.parquet');
const line = (i: number) =>
  `${START_US + i * 1000},${(61_800 + ((i * 37) % 1001) / 100).toFixed(2)},${((i % 977) + 1) / 1000},${i % 3 === 0 ? 'buy' : 'sell'},${i}`;
writeFileSync(
  csv,
  `ts_us,price,size,side,id\n${Array.from({ length: ROWS }, (_, i) => line(i)).join('\n')}\n`,
);

const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
const duck = await instance.connect();
await duck.run(`COPY (FROM read_csv('${csv}')) TO '${parquet}' (FORMAT parquet)`);
const counted = async (source: string) => {
  await duck.run(`CREATE OR REPLACE TABLE trades AS FROM ${source}`);
  const [row] = (await duck.runAndReadAll('SELECT count(*)::DOUBLE AS n FROM trades')).getRowObjectsJS();
  if (row!['n'] !== ROWS) throw new Error(`Expected ${ROWS} rows, were ${row!['n']}`);
};

async function imported(path: string, history: History | null): Promise<void> {
  const { imported, rejected } = await importFile(path, { symbol: 'BTC-USD' }, { history, maxBytes: 1e9 });
  if (imported !== ROWS || rejected !== 0) throw new Error(`Expected ${ROWS} records, were ${imported}`);
}

/** The least that gives numbers: split and convert, nothing exact, nothing judged. */
async function plainLoop(): Promise<void> {
  const lines = (await Bun.file(csv).text()).split('\n');
  const columns = Array.from({ length: 3 }, () => new Float64Array(ROWS));
  let rows = 0;
  for (let i = 1; i < lines.length; i++) {
    if (lines[i] === '') continue;
    const cells = lines[i]!.split(',');
    for (let k = 0; k < 3; k++) columns[k]![rows] = Number(cells[k]);
    rows++;
  }
  if (rows !== ROWS) throw new Error(`Expected ${ROWS} rows, were ${rows}`);
}

let count = 0;
/** Into an empty history, which is opened and closed outside of the time. */
const stored: Side = {
  async measureNs() {
    const history = await History.open({ dataDir: join(folder, `history-${count++}`), threads: 1 });
    const start = Bun.nanoseconds();
    await imported(csv, history);
    const ns = Bun.nanoseconds() - start;
    await history.close();
    return ns;
  },
};

const rows: string[][] = [];
async function add(name: string, a: Side, b: Side, rival: string): Promise<void> {
  const result = await comparePairs({ name, pairs: PAIRS, a, b });
  rows.push(pairRow(result, rival, `${grouped(ROWS / (result.aNs / 1e9))} rows a second`));
}
const dryCsv = () => imported(csv, null);
const readCsv = () => counted(`read_csv('${csv}')`);
await add('CSV, dry run', dryCsv, plainLoop, 'split, Number');
await add('CSV, dry run', dryCsv, readCsv, 'DuckDB read_csv');
await add('CSV, stored', stored, readCsv, 'DuckDB read_csv');
await add(
  'Parquet, dry run',
  () => imported(parquet, null),
  () => counted(`read_parquet('${parquet}')`),
  'DuckDB read_parquet',
);
publish({
  title: 'Imports of files',
  note: `${grouped(ROWS)} trades. Ours: prices exact to 15 decimals, every record judged, and, where stored, the file read and refused as a whole first. DuckDB on one thread, into a table in memory; neither rival judges a record.`,
  columns: PAIR_COLUMNS,
  rows,
});
duck.closeSync();
instance.closeSync();
rmSync(folder, { recursive: true, force: true });
