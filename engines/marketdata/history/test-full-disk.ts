// A process that stores trades until the system refuses: `bun test-full-disk.ts FOLDER`; what was acknowledged is the last line.
import { History } from './history.ts';
import { trades } from './test-records.ts';

const ROWS = 50_000;
const history = await History.open({ dataDir: process.argv[2]!, threads: 1 });
let acknowledged = 0;
let error: unknown = null;
for (let put = 0; put < 40 && error === null; put++) {
  try {
    const list = trades(ROWS, 1_723_075_200_000_000 + put * 1e9, put * 1_000_000);
    // Texts that do not compress.
    const noisy = list.map((t) => ({ ...t, tsEventText: Bun.hash(String(t.id) + put).toString(36) }));
    acknowledged += (await history.put(noisy)).stored;
  } catch (thrown) {
    const { name, status } = thrown as { name: string; status: number };
    error = { name, status };
  }
}
process.stdout.write(`${JSON.stringify({ acknowledged, error })}\n`, () => process.exit(0));
