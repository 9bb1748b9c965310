// Hot path: GET /health of a real engine, asked by every monitor all the time, and with it what the kit adds to every
// request. CPU time of the server's process per request against a bare Bun.serve with the same JSON. A regression means
// that something was added to each request: a hook, a parse, an id, a metric.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HubServer } from '../../src/bus/hub-server.ts';
import { loadNow } from '../machine.ts';
import { comparePairs, formatNs } from '../pairs.ts';
import { isQuick, publish } from '../report.ts';
import type { HealthServerMessage } from './health-server.ts';

const REACH = 1.4;
const REQUESTS = 2000;
const WARM_UP_REQUESTS = isQuick ? 6000 : 20_000;
const CONNECTIONS = 8;

interface Server {
  readonly url: string;
  /** Resolves to the CPU time of the process so far, in microseconds. */
  readonly cpuUs: () => Promise<number>;
  readonly stop: () => void;
}

async function start(kind: 'engine' | 'raw', env: Record<string, string>): Promise<Server> {
  let receive: (message: HealthServerMessage) => void = () => {};
  const next = () => new Promise<HealthServerMessage>((resolve) => (receive = resolve));
  const first = next();
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'health-server.ts'), kind], {
    env: { ...process.env, NODE_ENV: 'production', ...env },
    stdout: 'ignore',
    stderr: 'inherit',
    ipc: (message: HealthServerMessage) => receive(message),
  });
  const ready = await Promise.race([first, child.exited.then(() => null)]);
  if (!ready || !('port' in ready)) throw new Error(`the ${kind} server did not start`);
  return {
    url: `http://127.0.0.1:${ready.port}/health`,
    cpuUs: async () => {
      const reply = next();
      child.send('cpu');
      const message = await reply;
      return 'cpuUs' in message ? message.cpuUs : Number.NaN;
    },
    stop: () => child.kill(),
  };
}

/** Sends `count` requests over a few kept-alive connections and reads every reply whole. */
async function load(url: string, count: number): Promise<void> {
  let left = count;
  const client = async () => {
    while (left-- > 0) {
      const response = await fetch(url);
      await response.arrayBuffer();
      if (response.status !== 200) throw new Error(`Expected 200 from ${url}, was ${response.status}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
}

/** Returns a sampler of the server's CPU nanoseconds for one request. */
function cpuPerRequest(server: Server): () => Promise<number> {
  return async () => {
    const before = await server.cpuUs();
    await load(server.url, REQUESTS);
    return ((await server.cpuUs()) - before) * (1000 / REQUESTS);
  };
}

const folder = mkdtempSync(join(tmpdir(), 'nautilus-bench-'));
const socketPath = join(folder, 'hub.sock');
const hub = new HubServer({ socketPath, maxQueuedBytes: 2 ** 26 });
hub.listen();
const ours = await start('engine', {
  NAUTILUS_HUB_SOCKET: socketPath,
  NAUTILUS_DATA_DIR: folder,
  NAUTILUS_PORTS: 'free',
  NAUTILUS_FEED: 'none',
});
const body = await (await fetch(ours.url)).text();
const bare = await start('raw', { HEALTH_BODY: body });
try {
  await load(ours.url, WARM_UP_REQUESTS);
  await load(bare.url, WARM_UP_REQUESTS);
  const result = await comparePairs({
    name: 'GET /health',
    pairs: isQuick ? 15 : 41,
    a: { measureNs: cpuPerRequest(bare) },
    b: { measureNs: cpuPerRequest(ours) },
  });
  const { median, q1, q3, pairs, aNs, bNs } = result;
  publish({
    title: 'GET /health',
    note: `CPU of the server's process (user and system) per request: the features engine over the hub, against a bare Bun.serve that serialises the same ${body.length} bytes of JSON. ${REQUESTS} requests a sample over ${CONNECTIONS} kept-alive connections. More means that something was added to every request.`,
    columns: ['engine / bare', 'quartiles', 'reach', 'engine', 'bare', 'load average'],
    rows: [
      [
        `${median.toFixed(2)}x`,
        `${q1.toFixed(2)} .. ${q3.toFixed(2)} of ${pairs}`,
        `at most ${REACH}x: ${median <= REACH ? 'held' : 'missed'}`,
        formatNs(bNs),
        formatNs(aNs),
        loadNow(),
      ],
    ],
    data: { ...result, reach: REACH },
  });
} finally {
  ours.stop();
  bare.stop();
  hub.close();
  rmSync(folder, { recursive: true, force: true });
}
