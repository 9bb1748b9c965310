// Every indicator over panels and over one long series, against TA-Lib called series by series. Hot path: the features of all
// symbols of a scan, and the history of one. A regression means lost SIMD lanes, a tile that outgrew the cache, or a copy.
import { cpus } from 'node:os';
import { type AnyIndicator, CATALOGUE, computePanel } from '../../src/indicators/index.ts';
import { pool, setThreads } from '../../src/native/index.ts';
import { barsAround, fillPrices } from '../inputs.ts';
import { formatNs, interleave, quantile, ratioOf } from '../pairs.ts';
import { isQuick, publish } from '../report.ts';
import { RIVALS_HINT, Rivals } from '../rivals/rivals.ts';
import { significant } from '../speedups/results.ts';
import { TALIB } from './talib.ts';

const REACH = { panel: 3, single: 0.8 };
const SHAPES: readonly (readonly [bars: number, series: number])[] = isQuick
  ? [
      [500, 512],
      [50_000, 1],
    ]
  : [
      [2000, 512],
      [1_000_000, 1],
    ];

const threads = setThreads(Number(process.env.NAUTILUS_THREADS ?? cpus().length));
const rivals = await Rivals.start(threads);
const taLib = rivals?.versions['TA-Lib'];

for (const [bars, series] of SHAPES) {
  // Big pages, as NumPy asks for on the other side.
  const memory = pool.scope();
  const column = () => memory.take('f64', bars * series);
  const close = column();
  fillPrices(close, series);
  const inputs = Object.fromEntries(
    Object.entries(barsAround(close)).map(([name, values]) => {
      const own = column();
      own.set(values);
      return [name, own];
    }),
  );
  const written = Array.from({ length: 5 }, column);
  const rows: string[][] = [];
  const ratios: number[] = [];
  for (const def of CATALOGUE as readonly AnyIndicator[]) {
    const outputs = Object.fromEntries(Object.keys(def.outputs).map((name, at) => [name, written[at]!]));
    const panel = { bars, series, inputs, outputs };
    const ours = () => computePanel(def, undefined, panel);
    const code = taLib === undefined ? undefined : TALIB[def.name];
    const request = { code, bars, series };
    const theirs = code === undefined ? [] : [rivals!.side('indicator', request)];
    const times = await interleave([ours, ...theirs], { rounds: isQuick ? 3 : 15 });
    const ns = quantile(times[0]!, 0.5);
    const row = [def.name, formatNs(ns), formatNs(ns / (bars * series))];
    if (times.length > 1) {
      const { median, q1, q3 } = ratioOf(times[0]!, times[1]!);
      ratios.push(median);
      const { value } = await rivals!.run('indicator', request);
      const mine = Object.values(outputs)[0]!.at(-1)!;
      const same = value !== null && Math.abs(mine - value) <= 1e-6 * Math.max(1, Math.abs(value));
      row.push(
        `${median.toFixed(2)}x`,
        `${q1.toFixed(2)} .. ${q3.toFixed(2)}`,
        formatNs(quantile(times[1]!, 0.5)),
        same
          ? ''
          : `last values differ: ${significant(Math.abs(mine))}, ${value === null ? 'none' : significant(Math.abs(value))}`,
      );
    }
    rows.push(row);
  }
  const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
  const least = Math.min(...ratios);
  const against =
    taLib === undefined
      ? `TA-Lib is absent: ${RIVALS_HINT}.`
      : series > 1
        ? `TA-Lib ${taLib} in Python, one call for each series. Geometric mean ${mean.toFixed(2)}x (reach ${REACH.panel}x: ${mean >= REACH.panel ? 'held' : 'missed'}).`
        : `TA-Lib ${taLib} in Python. Geometric mean ${mean.toFixed(2)}x, least ${least.toFixed(2)}x (reach ${REACH.single}x: ${least >= REACH.single ? 'held' : 'missed'}).`;
  publish({
    title: `Indicators, ${series} series of ${bars} bars`,
    note: `f64, [bars, series], ${threads} threads of ours. ${against}`,
    columns: ['indicator', 'ours', 'a value', 'TA-Lib / ours', 'quartiles', 'TA-Lib takes', 'note'],
    rows,
    data: { bars, series, ratios, geometricMean: mean },
  });
  memory.release();
}
rivals?.stop();
