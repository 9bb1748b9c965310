// A process that serves longer and longer ranges of one symbol as Arrow streams and tells how its memory went: `bun history-child.ts FOLDER START_US DAYS...`.
import { History } from '../../engines/marketdata/history/history.ts';
import { ticks } from '../../engines/marketdata/history/requests.ts';

const DAY_US = 86_400e6;
const [dataDir, startUs, ...ranges] = process.argv.slice(2);
const history = await History.open({ dataDir: dataDir!, threads: 1, memoryMb: 256 });

async function read(days: number) {
  const fromUs = Number(startUs);
  const asked = { view: 'repaired', from_us: fromUs, to_us: fromUs + days * DAY_US - 1 } as const;
  const reply = await ticks(history, 'trade', 'BTC-USD', asked, 'arrow', new AbortController().signal);
  const [start, before] = [performance.now(), process.cpuUsage()];
  let bytes = 0;
  // Resident memory after each part.
  const peaks: number[] = [];
  for await (const part of reply.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    peaks.push(process.memoryUsage.rss());
  }
  const { user, system } = process.cpuUsage(before);
  const tenths = Array.from({ length: 10 }, (_, i) =>
    Math.max(...peaks.slice((peaks.length * i) / 10, (peaks.length * (i + 1)) / 10)),
  );
  return { days, bytes, tenths, ms: performance.now() - start, cpuMs: (user + system) / 1000 };
}

const told: Awaited<ReturnType<typeof read>>[] = [];
for (const days of ranges) told.push(await read(Number(days)));
console.log(JSON.stringify(told));
await history.close();
