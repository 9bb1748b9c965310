// `nautilus replay`: drives the bars of a file through all nine engines and prints what came of them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImportReport } from '../../../engines/marketdata/files/schemas.ts';
import { isCapture } from '../../../engines/marketdata/replay/capture-source.ts';
import { type Config, loadConfig } from '../../core/config.ts';
import { InvalidOptionError, NautilusError } from '../../core/errors.ts';
import { createLog } from '../../core/log.ts';
import { type Cluster, startCluster } from '../cluster.ts';
import { ENGINE_NAMES } from '../engines.ts';
import { engineUrl, followed, post, runningEngine } from '../http-client.ts';
import { table } from '../output.ts';
import { readRunFile } from '../run-file.ts';
import { type PacedOptions, replayPaced } from './replay-paced.ts';
import { importSummary, isFile, sendFile } from './send-file.ts';

export interface ReplayOptions extends Omit<PacedOptions, 'symbol' | 'json'> {
  readonly symbol?: string;
  readonly strategy: string;
  readonly option?: readonly string[];
  readonly portfolio: string;
  readonly cash: string;
  readonly feeBps: string;
  readonly barrier: string;
  readonly inFlight: string;
  readonly reset?: boolean;
  readonly isolated?: boolean;
  readonly keep?: boolean;
  readonly inProcess?: boolean;
  readonly json?: boolean;
}

interface ReplayReply {
  readonly replay_id: string;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  readonly events_total: number;
  readonly events_done: number;
  readonly elapsed_s: number;
  readonly bars_per_s: number;
  readonly progress_url: string;
  readonly error: { readonly type: string; readonly detail: string } | null;
  readonly result: {
    readonly events: number;
    readonly signals: number;
    readonly orders: number;
    readonly fills: number;
    readonly rejected: number;
    readonly pnl: Readonly<Record<string, string>>;
    readonly latency_us: Readonly<Record<string, { count: number; p50: number | null; p99: number | null }>>;
    readonly result_hash: string;
  } | null;
}

const POLL_MS = 100;

/**
 * Imports the file and replays it. Uses the engines that run on the data folder; without any (or with `--isolated` or
 * `--in-process`) starts its own on free ports with a fresh data folder and stops them, unless `--keep` is given. With `--speed` it goes onto the
 * live topics instead.
 */
export async function replayCommand(path: string | undefined, options: ReplayOptions): Promise<number> {
  if (options.speed !== undefined) return replayPaced(path, options);
  const only = (['kinds', 'source', 'from', 'to', 'paused'] as const).find(
    (name) => options[name] !== undefined,
  );
  if (only !== undefined) throw new InvalidOptionError(`Expected --speed with --${only}, was absent`);
  if (path === undefined)
    throw new InvalidOptionError('Expected a file of bars, or --speed for a replay of stored history');
  if (isFile(path) && (await isCapture(path, loadConfig().maxImportBytes)))
    throw new InvalidOptionError(
      'Expected a file of bars, was one of captured messages: replay it with --speed',
    );
  const own = options.isolated || options.inProcess || options.keep || !readRunFile(loadConfig().dataDir);
  if (!own) return (await run(path, options, runningEngine('marketdata'))) ? 0 : 1;
  const host = await startOwn(options);
  const abort = () => void host.end().then(() => process.exit(130));
  process.on('SIGINT', abort);
  try {
    const port = host.cluster.engines.find((e) => e.name === 'marketdata')!.port;
    const done = await run(path, options, engineUrl(host.config, port));
    if (options.keep) await keepRunning(host.cluster);
    return done ? 0 : 1;
  } finally {
    process.off('SIGINT', abort);
    await host.end();
  }
}

interface OwnCluster {
  readonly cluster: Cluster;
  readonly config: Config;
  end(): Promise<void>;
}

// With --keep the engines stay on the published ports and the normal data folder, for the user to look at.
async function startOwn(options: ReplayOptions): Promise<OwnCluster> {
  const fresh = options.keep ? undefined : mkdtempSync(join(tmpdir(), 'nautilus-replay-'));
  const env = { ...process.env, NAUTILUS_FEED: 'none', LOG_LEVEL: process.env.LOG_LEVEL ?? 'warn' };
  Object.assign(process.env, env, fresh ? isolation(fresh) : {});
  const config = loadConfig();
  const log = createLog('supervisor', config.logLevel);
  const onLine = (line: string) => void process.stderr.write(`${line}\n`);
  const cluster = await startCluster({ config, log, onLine, inProcess: options.inProcess ?? false });
  return {
    cluster,
    config,
    end: async () => {
      await cluster.stop();
      if (fresh) rmSync(fresh, { recursive: true, force: true });
    },
  };
}

/**
 * Returns the variables of engines that are reached from here only, beside others that run: ports, data `folder`, keys and, since another
 * system may run on the same Redis, channels of their own.
 */
export function isolation(folder: string): Record<string, string> {
  return {
    NAUTILUS_DATA_DIR: folder,
    NAUTILUS_PORTS: 'free',
    ML_ENGINE_PORT: '',
    NAUTILUS_HOST: '127.0.0.1',
    NAUTILUS_API_KEY: '',
    NAUTILUS_API_KEY_FILE: '',
    NAUTILUS_REDIS_PREFIX: `nautilus-replay-${crypto.randomUUID()}:`,
  };
}

async function keepRunning(cluster: Cluster): Promise<void> {
  console.error(table([['ENGINE', 'PORT'], ...cluster.engines.map((e) => [e.name, String(e.port)])]));
  console.error('The engines stay up. Ctrl-C stops them.');
  await new Promise((resolve) => process.once('SIGTERM', resolve).once('SIGINT', resolve));
}

async function run(path: string, options: ReplayOptions, base: string): Promise<boolean> {
  // Options that are none are refused before anything is stored.
  const trading = {
    strategy: options.strategy,
    strategy_options: strategyOptions(options.option ?? []),
    portfolio_id: options.portfolio,
    starting_cash: options.cash,
    fee_bps: number('--fee-bps', options.feeBps),
    barrier_bars: number('--barrier', options.barrier),
    in_flight: number('--in-flight', options.inFlight),
    reset: options.reset ?? false,
    engines: ENGINE_NAMES,
  };
  const imported = await sendFile(base, path, { kind: 'bar', symbol: options.symbol });
  if (!options.json) console.log(importSummary(imported));
  const body = { ...rangeOf(imported, options.symbol), ...trading };
  const started = await startWhenAlive(`${base}/replays`, body);
  const ended = await follow(base, started, !options.json);
  if (ended.result && options.json) {
    const { result, elapsed_s } = ended;
    console.log(
      JSON.stringify({ ...result, elapsed_s, bars_per_s: Math.round(result.events / elapsed_s) }, null, 2),
    );
  } else if (ended.result) console.log(report(ended));
  else {
    const detail = ended.error?.detail ?? `the replay was ${ended.state}`;
    throw new NautilusError('replay-failed', 500, 'Replay failed', detail);
  }
  return ended.state === 'done';
}

// An engine tells that it lives once a second, so that just after a start one may not be known yet.
async function startWhenAlive(url: string, body: object): Promise<ReplayReply> {
  const deadline = performance.now() + 5000;
  for (;;) {
    try {
      return await post<ReplayReply>(url, body);
    } catch (error) {
      const unavailable = error instanceof NautilusError && error.slug === 'dependency-unavailable';
      if (!unavailable || performance.now() > deadline) throw error;
      await Bun.sleep(POLL_MS);
    }
  }
}

function rangeOf(imported: ImportReport, symbol: string | undefined) {
  const good = imported.series.filter((s) => s.imported > 0);
  const series = good.filter((s) => symbol === undefined || s.symbol === symbol);
  if (series.length !== 1) {
    const found = good.map((s) => s.symbol).join(', ') || 'none';
    throw new InvalidOptionError(`Expected --symbol with one symbol of the file, which has ${found}`);
  }
  const { symbol: name, interval_us, source, first_ts_us, last_ts_us } = series[0]!;
  return { symbol: name, interval_us, source, from_us: first_ts_us, to_us: last_ts_us };
}

function strategyOptions(pairs: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new InvalidOptionError('Expected --option as name=value');
      const value = pair.slice(at + 1);
      return [pair.slice(0, at), value !== '' && Number.isFinite(Number(value)) ? Number(value) : value];
    }),
  );
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (text === '' || !Number.isFinite(value)) throw new InvalidOptionError(`Expected a number for ${name}`);
  return value;
}

async function follow(base: string, started: ReplayReply, showBar: boolean): Promise<ReplayReply> {
  const bar = showBar && process.stderr.isTTY ? await progressBar(started.events_total) : undefined;
  let reply = started;
  while (reply.state === 'running') {
    await Bun.sleep(POLL_MS);
    reply = await followed<ReplayReply>(() => base + started.progress_url);
    bar?.update(reply.events_done, { rate: reply.bars_per_s });
  }
  bar?.stop();
  return reply;
}

async function progressBar(total: number) {
  const { SingleBar } = (await import('cli-progress')).default;
  const bar = new SingleBar({
    format: '{bar} {percentage}% | {value}/{total} bars | {rate} bars/s | {eta} s left',
    hideCursor: true,
  });
  bar.start(total, 0, { rate: 0 });
  return bar;
}

function report({ result, elapsed_s }: ReplayReply): string {
  const r = result!;
  const hops = Object.entries(r.latency_us).map(([hop, l]) => [
    hop,
    String(l.count),
    String(l.p50 ?? '-'),
    String(l.p99 ?? '-'),
  ]);
  return [
    '',
    table([
      ['events', 'signals', 'orders', 'fills', 'rejected', 'seconds', 'bars/s'],
      [r.events, r.signals, r.orders, r.fills, r.rejected, elapsed_s, Math.round(r.events / elapsed_s)].map(
        String,
      ),
    ]),
    '',
    table([['P&L', ''], ...Object.entries(r.pnl)]),
    '',
    table([['LATENCY (us) from publish to receipt', 'messages', 'p50', 'p99'], ...hops]),
    '',
    `result hash ${r.result_hash}`,
  ].join('\n');
}
