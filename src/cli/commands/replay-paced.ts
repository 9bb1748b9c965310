// `nautilus replay --speed`: a capture or stored history onto the live topics of the running engines.
import { existsSync, realpathSync } from 'node:fs';
import { sep } from 'node:path';
import { loadConfig } from '../../core/config.ts';
import { InvalidOptionError, NautilusError } from '../../core/errors.ts';
import { parseTimestampUs } from '../../core/timestamps.ts';
import { followed, post, request, runningEngine } from '../http-client.ts';
import { table } from '../output.ts';

export interface PacedOptions {
  readonly symbol?: string;
  readonly kinds?: string;
  readonly source?: string;
  readonly from?: string;
  readonly to?: string;
  readonly speed?: string;
  readonly paused?: boolean;
  readonly json?: boolean;
}

interface PacedReply {
  readonly state: string;
  readonly speed: number | 'max';
  readonly position_us: number | null;
  readonly lag_ms: number;
  readonly max_lag_ms: number;
  readonly published: Readonly<Record<string, number>>;
  readonly records: Readonly<Record<string, number>>;
  readonly unreadable: { readonly rejected: number; readonly damaged: string | null };
  readonly elapsed_s: number;
  readonly progress_url: string;
  readonly error: { readonly detail: string } | null;
}

const POLL_MS = 250;
const RUNNING = ['seeking', 'running', 'paused'];

/** Replays a capture of the import folder, or history without `path`, until its end; Ctrl-C ends the replay. Returns the exit code. */
export async function replayPaced(path: string | undefined, options: PacedOptions): Promise<number> {
  const body = requestOf(path, options);
  const started = await post<PacedReply>(`${runningEngine('marketdata')}/replay`, body).catch((error) => {
    throw whereTo(error, path);
  });
  const url = () => runningEngine('marketdata') + started.progress_url;
  let stopping: Promise<unknown> | undefined;
  const stop = () => {
    stopping ??= request(url(), { method: 'DELETE' });
    stopping.catch(() => {});
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  let reply = started;
  while (RUNNING.includes(reply.state)) {
    await Bun.sleep(POLL_MS);
    reply = await followed<PacedReply>(url);
    if (!options.json && process.stderr.isTTY) process.stderr.write(`\r\u001b[K${progress(reply)}`);
  }
  await stopping;
  if (!options.json && process.stderr.isTTY) process.stderr.write('\n');
  console.log(options.json ? JSON.stringify(reply) : report(reply));
  return reply.state === 'done' ? 0 : 1;
}

// Engines read no file outside of their folder; whoever names one that there is gets told where it has to be.
function whereTo(error: unknown, path: string | undefined): unknown {
  if (!(error instanceof NautilusError) || path === undefined || !existsSync(path)) return error;
  const folder = loadConfig().importDir;
  if (existsSync(folder) && realpathSync(path).startsWith(realpathSync(folder) + sep)) return error;
  return new InvalidOptionError(
    `Expected a file of the import folder, which engines read from; copy it there: mkdir -p ${folder} && cp ${path} ${folder}/`,
  );
}

/** Returns the request that the options mean. Throws InvalidOptionError for options that are none. */
export function requestOf(path: string | undefined, options: PacedOptions): object {
  const { symbol, kinds, source, from, to, speed = '1', paused } = options;
  if (path === undefined && symbol === undefined)
    throw new InvalidOptionError('Expected a file, or --symbol for a replay of stored history');
  return {
    mode: 'paced',
    // Whatever the folder from which the command is called.
    ...(path === undefined ? {} : { capture: existsSync(path) ? realpathSync(path) : path }),
    ...(symbol === undefined ? {} : { symbols: symbol.split(',') }),
    ...(kinds === undefined ? {} : { kinds: kinds.split(',') }),
    ...(source === undefined ? {} : { source }),
    ...(from === undefined ? {} : { from_us: timeOf('--from', from) }),
    ...(to === undefined ? {} : { to_us: timeOf('--to', to) }),
    speed: speed === 'max' ? 'max' : speedOf(speed),
    paused: paused ?? false,
  };
}

function speedOf(text: string): number {
  const value = Number(text);
  if (text === '' || !Number.isFinite(value))
    throw new InvalidOptionError('Expected a number or max for --speed');
  return value;
}

function timeOf(name: string, text: string): number {
  const us = parseTimestampUs(text);
  if (us === null)
    throw new InvalidOptionError(`Expected an ISO time, or an integer since the epoch, for ${name}`);
  return us;
}

const iso = (us: number | null) => (us === null ? '-' : new Date(us / 1000).toISOString());
const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0);

function progress({ state, position_us, published, lag_ms }: PacedReply): string {
  const late = lag_ms >= 1 ? `, ${Math.round(lag_ms)} ms late` : '';
  return `${state} ${iso(position_us)}: ${sum(published)} records${late}`;
}

function report(reply: PacedReply): string {
  const { records, published, unreadable, error } = reply;
  const rows = [
    ['state', error ? `${reply.state}: ${error.detail}` : reply.state],
    ['market time', iso(reply.position_us)],
    ['seconds', String(reply.elapsed_s)],
    ['most behind (ms)', String(reply.max_lag_ms)],
    ...Object.entries(published).map(([kind, n]) => [kind, String(n)]),
    ...Object.entries(records).map(([name, n]) => [name, String(n)]),
    [
      'unreadable',
      unreadable.damaged ? `${unreadable.rejected}; ${unreadable.damaged}` : String(unreadable.rejected),
    ],
  ];
  return table(rows);
}
