// What imports said of the series of a symbol: the newest of them, however many files there were.
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { History } from './history.ts';
import { IMPORTED_SERIES, type ImportedSeries } from './import-notes.ts';

const folder = mkdtempSync(join(tmpdir(), 'import-notes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const series = (symbol: string, records: number): ImportedSeries => ({
  kind: 'trade',
  symbol,
  source: 'file',
  interval_us: null,
  calendar: null,
  records,
  imported: records,
  rejected: 0,
  flagged: 0,
  flags: {},
  score: 1,
  coverage: 1,
  missing: 0,
  reasons: [],
  first_ts_us: 0,
  last_ts_us: 1,
});

test('the notes of a symbol do not grow with its files, those of others stay, and a file told again takes its own place', async () => {
  const history = await History.open({ dataDir: folder, threads: 1 });
  const files = IMPORTED_SERIES + 20;
  const note = (file: number, importedUs: number, symbols: readonly string[]) => {
    const quality = { file: `f${file}`, importedUs, series: symbols.map((symbol) => series(symbol, file)) };
    return history.put([], [], { id: `id${file}`, records: file, finished: true, quality });
  };
  for (let file = 0; file < files; file++) await note(file, file, file < 3 ? ['A', 'B'] : ['A']);
  const rows = async () => {
    const [row] = await history.database.rows('SELECT count(*)::INTEGER AS n FROM import_quality');
    return row!['n'];
  };
  const told = async (symbol: string) => (await history.importedQuality(symbol)).map(({ file }) => file);
  const newest = Array.from({ length: IMPORTED_SERIES }, (_, i) => `f${files - 1 - i}`);
  expect(await told('A')).toEqual(newest);
  expect(await told('B')).toEqual(['f2', 'f1', 'f0']);
  expect(await rows()).toBe(IMPORTED_SERIES + 3);
  // One that is kept, and one that was forgotten; what is known of how far they came is not.
  await note(files - 1, files, ['A']);
  expect(await told('A')).toEqual(newest);
  await note(0, files + 1, ['A', 'B']);
  expect(await told('A')).toEqual(['f0', ...newest.slice(0, -1)]);
  expect(await told('B')).toEqual(['f0', 'f2', 'f1']);
  expect(await rows()).toBe(IMPORTED_SERIES + 3);
  expect(await history.importNote('id1')).toMatchObject({ records: 1, finished: true });
  await history.close();
});
