// Assignment of keys to the arms of an experiment. Hot path: each prediction of a model with a running experiment. A regression means
// an allocation or a search in what is one hash and one look into a table.
import { createHash } from 'node:crypto';
import { BUCKETS, Split } from '../../src/learning/experiments/assign.ts';
import { comparePairs, type Side } from '../pairs.ts';
import { PAIR_COLUMNS, pairRow, publish } from '../report.ts';

/** Keys of one sample. */
const KEYS = 10_000;
const keys = Array.from({ length: KEYS }, (_, i) => `0190c0de-${i.toString(16).padStart(8, '0')}`);
const EXPERIMENT = '0190c0de-0000-7000-8000-000000000000';
const SHARES = [0.5, 0.3, 0.2];
const split = new Split(EXPERIMENT, [SHARES]);
const remembered = new Map(keys.map((key) => [key, split.armOf(key)]));

/** The arm whose stretch of [0, 1) holds a number. */
function armAt(point: number): number {
  let from = 0;
  for (const [arm, share] of SHARES.entries()) {
    from += share;
    if (point < from) return arm;
  }
  return SHARES.length - 1;
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

const over = (armOf: (key: string) => number) => () => {
  let sum = 0;
  for (const key of keys) sum += armOf(key);
  return sum;
};

const rivals: readonly (readonly [name: string, side: Side])[] = [
  ['a Map with the arm of every key', over((key) => remembered.get(key)!)],
  [
    'SHA-1 of salt and key, as PlanOut',
    over((key) => {
      const hex = createHash('sha1').update(`${EXPERIMENT}.${key}`).digest('hex').slice(0, 15);
      return armAt(Number.parseInt(hex, 16) / 16 ** 15);
    }),
  ],
  [
    'FNV-1a twice, as GrowthBook',
    over((key) => armAt((fnv1a(`${fnv1a(EXPERIMENT + key)}`) % BUCKETS) / BUCKETS)),
  ],
  [
    'MurmurHash3 of group and key, as Unleash',
    over((key) => armAt((Bun.hash.murmur32v3(`${EXPERIMENT}:${key}`, 0) % 100) / 100)),
  ],
];

const ours = over((key) => split.armOf(key));
const rows: string[][] = [];
for (const [rival, b] of rivals) {
  const result = await comparePairs({ name: `${KEYS} keys`, a: ours, b });
  rows.push(pairRow(result, rival, `${(result.aNs / KEYS).toFixed(0)} ns a key`));
}
publish({
  title: 'Arm of a key in an experiment',
  note: 'Three arms. The Map holds every key, which no experiment could; the others are the rules of known splitters, written here in TypeScript.',
  columns: PAIR_COLUMNS,
  rows,
});
