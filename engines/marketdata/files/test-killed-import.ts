// A process of a test: imports a file and is killed while its second part is being stored.
import { History } from '../history/history.ts';
import { importFile } from './import-file.ts';

const [dataDir, path] = process.argv.slice(2) as [string, string];
let commits = 0;
const faults = (point: string) => {
  if (point === 'before commit' && ++commits === 2) process.kill(process.pid, 'SIGKILL');
};
const history = await History.open({ dataDir, threads: 1, faults });
await importFile(path, { symbol: 'X' }, { history, maxBytes: 1e8 });
