// Prints the slice of real model inputs that `onnx_logistic.py` takes its expected values from.
import { readBars } from '../../engines/ml/fit/bars.ts';
import { buildDataset } from '../../engines/ml/fit/dataset.ts';
import { sharedData } from '../../test/shared-data.ts';

const file = 'btc-perp-1min-ohlcv-2022-01.csv.gz';
const path = sharedData(file);
if (!path) throw new Error('The shared data are not on this machine');
const { bars } = await readBars(path, 'BTC-PERP');
const data = buildDataset(bars, 15);
// One row in a hundred: the whole month is in it, and labels of neighbours no longer overlap.
const rows = Array.from({ length: Math.floor(data.rows / 100) }, (_, i) => i * 100);
console.log(
  JSON.stringify({
    slice: `every 100th row of ${file}, horizon 15, inputs to 8 digits`,
    inputs: rows.map((i) =>
      [...data.inputs.subarray(i * data.columns, (i + 1) * data.columns)].map((x) =>
        Number(x.toPrecision(8)),
      ),
    ),
    labels: rows.map((i) => data.labels[i]),
    returns: rows.map((i) => Number(data.returns[i]!.toPrecision(8))),
  }),
);
