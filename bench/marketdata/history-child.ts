// A process that serves all trades of one symbol as an Arrow stream and tells how its memory went: `bun history-child.ts FOLDER`.
import { History } from '../../engines/marketdata/history/history.ts';
import { ticks } from '../../engines/marketdata/history/requests.ts';

const history = await History.open({ dataDir: process.argv[2]!, threads: 1, memoryMb: 256 });
const query = { view: 'repaired' } as const;
const read = async (toUs?: number) => {
  const asked = { ...query, from_us: 0, to_us: toUs };
  const reply = await ticks(history, 'trade', 'BTC-USD', asked, 'arrow', new AbortController().signal);
  const [start, before] = [performance.now(), process.cpuUsage()];
  let bytes = 0;
  let largest = 0;
  for await (const part of reply.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    largest = Math.max(largest, process.memoryUsage.rss());
  }
  const { user, system } = process.cpuUsage(before);
  return { bytes, largest, ms: performance.now() - start, cpuMs: (user + system) / 1000 };
};
// A million rows first: what the libraries and the caches take once is no growth.
const small = await read(1_700_000_000_000_000 + 1_000_000 * 1000);
const whole = await read();
console.log(JSON.stringify({ small, whole }));
await history.close();
