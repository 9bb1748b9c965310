// The command `bun run fit:templates`: fits the models that answer for any symbol from files of bars and writes their folders.
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { NautilusError } from '../../src/core/errors.ts';
import { GENERIC_TYPES } from '../../src/learning/templates/generic.ts';
import { fitGeneric, HORIZONS } from './fit/generic/fit.ts';
import { readPanel } from './fit/generic/panel.ts';

const usage = `Usage: bun run fit:templates -- --data <folder with the files of the cards>
  --only <horizon>   15m, 1h or 1d (all)
  --out <folder>     where the folders of models go (models)`;

const DAILY = [
  'nvda-1999-2014-daily-ohlcv.csv.gz',
  'orcl-1995-2014-daily-ohlcv.csv.gz',
  'yhoo-1996-2014-daily-ohlcv.csv.gz',
  ...['aapl', 'aig', 'bac', 'ibm', 'spy'].map((name) => `lean/daily/${name}.zip`),
];
const INTRADAY = ['crypto-10-pairs-5min-ohlcv-2018-01.csv.gz'];

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    only: { type: 'string' },
    out: { type: 'string', default: resolve(import.meta.dir, '../../models') },
    help: { type: 'boolean', default: false },
  },
});

if (values.help || !values.data) {
  console.error(usage);
  process.exit(values.help ? 0 : 2);
}

try {
  for (const horizon of Object.values(HORIZONS)) {
    if (values.only !== undefined && values.only !== horizon.name) continue;
    const files = horizon.exact ? INTRADAY : DAILY;
    const panel = await Promise.all(files.map((file) => readPanel(join(values.data!, file))));
    for (const type of GENERIC_TYPES) {
      const { card, files: written } = await fitGeneric(type, panel, horizon);
      const folder = join(values.out, card.model_id);
      await mkdir(folder, { recursive: true });
      for (const [name, bytes] of Object.entries(written)) await writeFile(join(folder, name), bytes);
      console.log(`${folder}\n${JSON.stringify(card.out_of_sample.metrics, null, 2)}`);
    }
  }
} catch (error) {
  if (!(error instanceof NautilusError)) throw error;
  console.error(error.message);
  process.exit(1);
}
