// The command `bun run fit:baseline`: fits the baseline model from a file of bars and writes its folder.
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { NautilusError } from '../../src/core/errors.ts';
import { readBars } from './fit/bars.ts';
import { fitBaseline } from './fit/baseline.ts';

const usage = `Usage: bun run fit:baseline -- --data <bars.csv[.gz]> --symbol <symbol>
  --horizon <bars>   bars ahead that are predicted (15)
  --l2 <number>      penalty on the weights (1)
  --seed <integer>   seed of the bootstrap intervals (0)
  --created <date>   date on the card (the last bar's)
  --out <folder>     where the model's folder goes (models)`;

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    symbol: { type: 'string' },
    horizon: { type: 'string', default: '15' },
    l2: { type: 'string', default: '1' },
    seed: { type: 'string', default: '0' },
    created: { type: 'string' },
    out: { type: 'string', default: resolve(import.meta.dir, '../../models') },
    help: { type: 'boolean', default: false },
  },
});

if (values.help || !values.data || !values.symbol) {
  console.error(usage);
  process.exit(values.help ? 0 : 2);
}

try {
  const source = await readBars(values.data, values.symbol);
  const { card, files } = fitBaseline(source, {
    file: basename(values.data),
    symbol: values.symbol,
    horizon: Number(values.horizon),
    l2: Number(values.l2),
    seed: Number(values.seed),
    created: values.created ?? null,
  });
  const folder = join(values.out, card.model_id);
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
  console.log(`${folder}\n${JSON.stringify(card.out_of_sample.metrics, null, 2)}`);
} catch (error) {
  if (!(error instanceof NautilusError)) throw error;
  console.error(error.message);
  process.exit(1);
}
