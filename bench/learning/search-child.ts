// A process that runs trials of a bench's search, one after the other, over a table that it gets once. Started by search-pool.ts.
import { type Evaluation, evaluate } from '../../src/learning/search/evaluate.ts';
import { type PrunerChoice, prunerOf } from '../../src/learning/search/pruners/index.ts';
import type { SearchTable } from '../../src/learning/search/table.ts';
import type { Observation, Point, Reported } from '../../src/learning/search/types.ts';
import { candidateOf, tableOf } from './search-table.ts';
import type { TreeSet } from './tree-sets.ts';

/** What the process is told. */
export type Order =
  | { readonly type: 'open'; readonly set: TreeSet }
  | {
      readonly type: 'trial';
      readonly number: number;
      readonly point: Point;
      readonly pruner: PrunerChoice;
      readonly history: readonly Observation[];
    };

/** What it says: that it is ready, or what came of a trial. */
export type Said = { readonly type: 'ready' } | { readonly type: 'ended'; readonly trial: EndedTrial };

/** A trial that has ended. */
export interface EndedTrial extends Observation {
  readonly rounds: Evaluation['rounds'];
}

let table: SearchTable;
const say = (said: Said) => process.send!(said);

async function run({
  number,
  point,
  pruner,
  history,
}: Extract<Order, { type: 'trial' }>): Promise<EndedTrial> {
  const reports: Reported[] = [];
  const judge = prunerOf(pruner);
  const { state, loss, rounds } = await evaluate(candidateOf(point), table, {
    seed: 1,
    threads: 1,
    ownProcess: true,
    report(step, value) {
      reports.push({ step, value });
      return !judge.ends(number, reports, history);
    },
  });
  return { number, point, state, loss, rounds, reports };
}

process.on('disconnect', () => process.exit());
process.on('message', (order: Order) => {
  if (order.type === 'open') {
    table = tableOf(order.set);
    say({ type: 'ready' });
  } else {
    run(order).then(
      (trial) => say({ type: 'ended', trial }),
      (error) => {
        console.error(error);
        process.exit(1);
      },
    );
  }
});
