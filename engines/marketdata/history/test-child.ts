// A process that stores and rolls trades, and kills itself at a named point: `bun test-child.ts FOLDER POINT`.
import { History } from './history.ts';
import { trades } from './test-records.ts';

const [dataDir, point, nth = '1'] = process.argv.slice(2) as [string, string, string?];
let left = Number(nth);
const faults = (at: string) => {
  if (at === point && --left === 0) process.kill(process.pid, 'SIGKILL');
};
const DAY_US = 86_400e6;
const START_US = 1_723_075_200_000_000;

const history = await History.open({ dataDir, threads: 1, faults });
// Two days and three puts; what was acknowledged is told to the parent.
for (let put = 0; put < 3; put++) {
  const { stored } = await history.put(trades(2000, START_US + (put % 2) * DAY_US + put * 1e9, put * 10_000));
  process.stdout.write(`${stored}\n`);
}
await history.maintain(START_US + 60 * DAY_US);
process.stdout.write('maintained\n');
await history.close();
