// `nautilus import`: a file into the market history, through the running system or, without one, by this process.
import { importFile } from '../../../engines/marketdata/files/import-file.ts';
import {
  type FileImportInput,
  fileImportInput,
  type ImportReport,
} from '../../../engines/marketdata/files/schemas.ts';
import { History } from '../../../engines/marketdata/history/history.ts';
import { loadConfig } from '../../core/config.ts';
import { InvalidOptionError } from '../../core/errors.ts';
import { fieldErrors } from '../../core/field-errors.ts';
import { engineUrl } from '../http-client.ts';
import { isAlive, readRunFile } from '../run-file.ts';
import { checkFile, importSummary, sendFile } from './send-file.ts';

export interface ImportOptions {
  readonly format?: string;
  readonly kind?: string;
  readonly symbol?: string;
  readonly source?: string;
  readonly intervalUs?: string;
  readonly timeZone?: string;
  readonly priceDecimals?: string;
  readonly calendar?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Imports a file and prints what came of it. Throws NautilusError when it cannot be read, or not be stored. */
export async function importCommand(path: string, options: ImportOptions): Promise<number> {
  const input = inputOf(options);
  checkFile(path);
  const report = await reportOf(path, input);
  console.log(options.json ? JSON.stringify(report) : importSummary(report));
  return 0;
}

function inputOf(options: ImportOptions): FileImportInput {
  const { format, kind, symbol, source, calendar } = options;
  const given = {
    format,
    kind,
    symbol,
    source,
    calendar,
    interval_us: options.intervalUs,
    time_zone: options.timeZone,
    price_decimals: options.priceDecimals,
    dry_run: options.dryRun ?? false,
  };
  const parsed = fileImportInput.safeParse(given);
  if (parsed.success) return parsed.data;
  const errors = fieldErrors(parsed.error.issues, '', given);
  const words = errors.map(
    ({ pointer, expected }) => `Expected ${expected} for --${pointer.slice(1).replaceAll('_', '-')}`,
  );
  throw new InvalidOptionError(words.join('; '), errors);
}

// A running engine owns the history; what stores nothing needs none.
async function reportOf(path: string, input: FileImportInput): Promise<ImportReport> {
  const config = loadConfig();
  const { dry_run, path: _, name: __, ...spec } = input;
  const maxBytes = config.maxImportBytes;
  if (dry_run) return importFile(path, spec, { history: null, maxBytes });
  const engine = readRunFile(config.dataDir)?.engines.find((e) => e.name === 'marketdata');
  if (engine?.port && engine.pid !== null && isAlive(engine.pid))
    return sendFile(engineUrl(config, engine.port), path, input);
  const { dataDir, threads } = config;
  const { memoryMb, tempMb } = config.history;
  const history = await History.open({ dataDir, threads, memoryMb, tempMb });
  try {
    return await importFile(path, spec, { history, maxBytes });
  } finally {
    await history.close();
  }
}
