// What a search spends on deciding what to try next, beside Optuna: one proposal after many trials, and whole searches of a function that costs
// nothing. A regression means workers that wait for proposals where trials are short.
import { type SamplerName, samplerOf } from '../../src/learning/search/samplers/index.ts';
import type { Observation, Point, Space } from '../../src/learning/search/types.ts';
import { formatNs, pairRow } from '../pairs.ts';
import { isQuick, publish } from '../report.ts';
import { RIVALS_HINT, Rivals } from '../rivals/rivals.ts';

interface Case {
  readonly space: Space;
  readonly loss: (point: Point) => number;
}

const named = (letter: string, count: number) => Array.from({ length: count }, (_, at) => `${letter}${at}`);
const number = (point: Point, name: string) => point[name] as number;
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** The spaces and functions of bench/rivals/sampler_rival.py. */
const spaces: Readonly<Record<'floats' | 'settings', Case>> = {
  floats: {
    space: named('x', 10).map((name) => ({ name, kind: 'float', low: -5, high: 5 })),
    loss: (point) => sum(named('x', 10).map((name, at) => (number(point, name) - 0.3 * at) ** 2)),
  },
  settings: {
    space: [
      ...named('f', 4).map((name) => ({ name, kind: 'float' as const, low: -5, high: 5 })),
      ...named('g', 2).map((name) => ({ name, kind: 'float' as const, low: 1e-5, high: 1, log: true })),
      ...named('n', 2).map((name) => ({ name, kind: 'int' as const, low: 1, high: 12 })),
      { name: 'w', kind: 'int', low: 8, high: 512, log: true },
      { name: 'c', kind: 'choice', values: ['a', 'b', 'c', 'd'] },
    ],
    loss: (point) =>
      sum(named('f', 4).map((name, at) => (number(point, name) - 0.3 * at) ** 2)) +
      sum(named('g', 2).map((name) => (Math.log10(number(point, name)) + 2) ** 2)) +
      sum(named('n', 2).map((name) => (number(point, name) - 4) ** 2)) +
      Math.abs(Math.log2(number(point, 'w')) - 6) +
      (point.c === 'b' ? 0 : 1),
  },
};

/** Searches with `trials` trials; returns them. */
function search(sampler: SamplerName, { space, loss }: Case, trials: number, seed: number): Observation[] {
  const own = samplerOf(sampler, { space, seed });
  const history: Observation[] = [];
  for (let number = 0; number < trials; number++) {
    const point = own.propose(number, history)!;
    history.push({ number, point, state: 'complete', loss: loss(point), reports: [] });
  }
  return history;
}

interface Row {
  readonly name: string;
  readonly task: 'proposal' | 'search';
  readonly sampler: Exclude<SamplerName, 'random' | 'grid'>;
  readonly space: keyof typeof spaces;
  readonly trials: number;
}

const rows: readonly Row[] = [
  {
    name: 'TPE, one of 10 floats after 1,000',
    task: 'proposal',
    sampler: 'tpe',
    space: 'floats',
    trials: 1000,
  },
  {
    name: 'TPE, one of 10 settings after 1,000',
    task: 'proposal',
    sampler: 'tpe',
    space: 'settings',
    trials: 1000,
  },
  { name: 'TPE, all of 10 settings, 100', task: 'search', sampler: 'tpe', space: 'settings', trials: 100 },
  { name: 'CMA-ES, all of 10 floats, 500', task: 'search', sampler: 'cma_es', space: 'floats', trials: 500 },
  { name: 'Sobol, all of 10 floats, 500', task: 'search', sampler: 'sobol', space: 'floats', trials: 500 },
];

/** Our side of a row. */
function oursOf({ task, sampler, space, trials }: Row): () => unknown {
  const one = spaces[space];
  let seed = 0;
  // A new seed each time: nothing is remembered from the search before.
  if (task === 'search') return () => search(sampler, one, trials, ++seed);
  const history = search('random', one, trials, 1);
  const own = samplerOf(sampler, { space: one.space, seed: 1 });
  let number = trials;
  return () => own.propose(number++, history);
}

const rivals = await Rivals.start(1, 'sampler_rival.py');
const table: string[][] = [];
for (const row of rows) {
  const ours = oursOf(row);
  const { name, task, sampler, space, trials } = row;
  if (rivals) {
    const b = rivals.side(task, { sampler, space, trials });
    table.push(await pairRow({ name, a: ours, b, pairs: isQuick ? 15 : 25 }));
  } else {
    const start = Bun.nanoseconds();
    ours();
    table.push([name, formatNs(Bun.nanoseconds() - start), '', '']);
  }
}
rivals?.stop();
publish({
  title: 'Samplers',
  note: `What proposals cost, the trials themselves costing nothing; ${rivals ? `Optuna ${rivals.versions.Optuna}, in memory` : RIVALS_HINT}. Reach: a proposal of TPE after 1,000 trials in 10 dimensions under 5 ms.`,
  columns: ['proposals', 'ours', 'Optuna', 'Optuna / ours'],
  rows: table,
});
