// Writes the results of the speed-up tables: results.json, RESULTS.md and RESULTS.svg in one folder.
//   bun bench/speedups/write.ts    makes bench/RESULTS.* and the table of README anew from bench/results.json
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chart } from './chart.ts';
import { provenance, type Results, resultsMarkdown, summary, withSummary } from './results.ts';

/** Writes the three files of results to `folder`, which is made when it is absent. */
export function writeResults(results: Results, folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(join(folder, 'RESULTS.md'), resultsMarkdown(results));
  writeFileSync(join(folder, 'RESULTS.svg'), chart(results));
}

if (import.meta.main) {
  const folder = join(import.meta.dir, '..');
  const results = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')) as Results;
  writeResults(results, folder);
  const readme = join(folder, '../README.md');
  const text = `${summary(results)}\n\n${provenance(results)}`;
  writeFileSync(readme, withSummary(readFileSync(readme, 'utf8'), text));
}
