// `nautilus calibrate`: measures from which size on Metal wins for each row, and keeps it for this machine.
import { loadConfig } from '../../core/config.ts';
import { InvalidOptionError } from '../../core/errors.ts';
import { createLog } from '../../core/log.ts';
import {
  type Calibration,
  calibrationPath,
  type Fingerprint,
  readCalibration,
  writeCalibration,
} from '../../hardware/routing.ts';
import { metalPort } from '../../http/metal-port.ts';
import { setThreads } from '../../native/index.ts';
import { measureRow, type TimedRow } from '../calibrate/measure.ts';
import { metalRows } from '../calibrate/rows.ts';
import { ENGINES } from '../engines.ts';
import { duration, table } from '../output.ts';

export interface CalibrateOptions {
  /** Ids of rows, separated by commas; all when absent. */
  readonly rows?: string;
  /** Time for all rows together. */
  readonly seconds: string;
  /** Threads of the CPU; the share of one engine when absent. */
  readonly threads?: string;
  /** Only where nothing of this machine is there; says so in the log. */
  readonly background?: boolean;
  readonly json?: boolean;
}

const MOST_SECONDS = 86_400;

/** Measures and writes; resolves with an exit code. Throws InvalidOptionError for options out of range. */
export async function calibrate(options: CalibrateOptions): Promise<number> {
  const config = loadConfig();
  const seconds = wholeNumber('--seconds', options.seconds, MOST_SECONDS);
  // In the background the supervisor has set the share of an engine already.
  const share = options.background ? config.threads : Math.floor(config.threads / ENGINES.length);
  const threads =
    options.threads === undefined ? Math.max(1, share) : wholeNumber('--threads', options.threads, 1024);
  const log = createLog('calibrate', options.background ? config.logLevel : 'silent');
  const absent = metalPort.absent();
  if (absent !== null) {
    if (!options.background) console.log(`Nothing to measure: ${absent}. Everything runs on the CPU.`);
    return 0;
  }
  const fingerprint = await metalPort.fingerprint();
  const known = readCalibration(config.dataDir, fingerprint);
  if (options.background && known.state === 'loaded') return 0;
  const rows = chosen(metalRows(), options.rows);
  setThreads(threads);
  log.info({ rows: rows.length, seconds }, 'measuring from which sizes Metal wins');
  const began = performance.now();
  const before =
    known.state === 'loaded' && known.calibration.threads === threads ? known.calibration.rows : {};
  const measured = measure(rows, seconds, options.background || options.json ? undefined : showProgress);
  const calibration: Calibration = {
    format: 1,
    measured_at: new Date().toISOString(),
    fingerprint,
    threads,
    rows: options.rows === undefined ? measured : { ...before, ...measured },
  };
  writeCalibration(config.dataDir, calibration);
  const took = (performance.now() - began) / 1000;
  const wins = Object.values(measured).filter(({ metal_from }) => metal_from > 0).length;
  log.info({ rows: rows.length, metal_wins: wins, seconds: Math.round(took) }, 'measured');
  if (options.json) console.log(JSON.stringify(calibration, null, 2));
  else if (!options.background) console.log(report(calibration, measured, fingerprint, took, config.dataDir));
  return 0;
}

function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new InvalidOptionError(`Expected an integer from 1 to ${most} for ${name}, was ${text}`);
}

function chosen(rows: readonly TimedRow[], names: string | undefined): readonly TimedRow[] {
  if (names === undefined) return rows;
  const asked = new Set(names.split(',').map((name) => name.trim()));
  const found = rows.filter(({ id }) => asked.delete(id));
  if (asked.size > 0)
    throw new InvalidOptionError(
      `Expected rows that have a Metal kernel here for --rows, was ${[...asked].join(', ')}`,
    );
  return found;
}

type Rows = Calibration['rows'];

// Each row gets an equal part of the time that is left.
function measure(
  rows: readonly TimedRow[],
  seconds: number,
  progress: ((done: number, of: number, id: string) => void) | undefined,
): Rows {
  const end = performance.now() + seconds * 1000;
  const measured: Rows = {};
  for (const [done, row] of rows.entries()) {
    progress?.(done, rows.length, row.id);
    const left = Math.max(0, end - performance.now());
    try {
      measured[row.id] = measureRow(row, left / (rows.length - done));
    } catch (error) {
      // One row that refuses its call must not cost the others theirs.
      measured[row.id] = { metal_from: 0, sizes: [], note: `could not be measured: ${messageOf(error)}` };
    }
  }
  progress?.(rows.length, rows.length, '');
  return measured;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

function showProgress(done: number, of: number, id: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${done === of ? '' : `${done + 1}/${of} ${id}`}`);
  else if (done < of) process.stderr.write(`${done + 1}/${of} ${id}\n`);
}

function report(
  { threads }: Calibration,
  measured: Rows,
  { cpu, gpu }: Fingerprint,
  seconds: number,
  dataDir: string,
): string {
  const rows = Object.entries(measured).map(([id, { metal_from, sizes, note }]) => {
    const largest = sizes.at(-1);
    return [
      id,
      metal_from > 0 ? metal_from.toLocaleString('en') : 'never',
      String(sizes.length),
      largest ? largest.elements.toLocaleString('en') : '-',
      largest ? `${largest.cpu_ms}` : '-',
      largest ? `${largest.metal_ms}` : '-',
      note ?? '',
    ];
  });
  const head = ['ROW', 'METAL FROM', 'SIZES', 'LARGEST', 'CPU MS', 'METAL MS', ''];
  return [
    table([head, ...rows]),
    '',
    `${cpu}, ${threads} ${threads === 1 ? 'thread' : 'threads'}, against ${gpu}; ${duration(seconds)}.`,
    'Sizes are operations of a kernel by its definition, and values that an indicator writes.',
    `Kept in ${calibrationPath(dataDir)}; running engines take it within ten seconds.`,
  ].join('\n');
}
