// What a process that runs trials has of its search: the table, the space and the pruner, and how an order becomes an outcome.
import { NautilusError } from '../../../src/core/errors.ts';
import { evaluate, reportSteps } from '../../../src/learning/search/evaluate.ts';
import { prunerOf } from '../../../src/learning/search/pruners/index.ts';
import { prepareSearch, type SearchTable, WATCH_FRACTION } from '../../../src/learning/search/table.ts';
import type { Observation, Pruner, Reported } from '../../../src/learning/search/types.ts';
import type { Frame } from '../../../src/learning/tables/frame.ts';
import { setThreads } from '../../../src/native/index.ts';
import { DatasetStore } from '../datasets/store.ts';
import { candidateOf } from './candidate.ts';
import { finishSearch } from './finish.ts';
import type { Finish, Finished, Open, RunTrial } from './messages.ts';
import { failedOutcome, type Outcome, type Settings } from './records.ts';

/** What runs the orders of one search. */
export interface SearchProcess {
  /** Throws what keeps a trial from beginning: the table, or a fault of ours. What a fit throws is an outcome. */
  trial(order: RunTrial): Promise<Outcome>;
  finish(order: Finish): Promise<Finished>;
}

/** Returns the rows of a search. Throws what `prepareSearch` throws. */
export function tableOf(frame: Frame, settings: Settings): SearchTable {
  const { groups, target, steps, missing, scheme, metric, cost_bps: costBps, test_fraction } = settings;
  return prepareSearch(frame, {
    ...{ groups, target, steps, missing, scheme, metric, costBps },
    testFraction: test_fraction,
    watchFraction: WATCH_FRACTION,
  });
}

/**
 * Reads the table of a search and prepares its rows; `history` is what the process has been told of so far, at any time. Throws NotFoundError,
 * DatasetIntegrityError and what `prepareSearch` throws.
 */
export async function openSearch(
  { dataDir, threads, settings }: Open,
  history: readonly Observation[],
): Promise<SearchProcess> {
  const { frame } = await new DatasetStore(dataDir, false).open(settings.dataset_id);
  const table = tableOf(frame, settings);
  const pruner = prunerOf(settings.pruner, reportSteps(table));
  return {
    trial: (order) => runTrial(order, settings, table, { pruner, history, threads }),
    async finish(order) {
      // Nothing else of the search runs at its end.
      setThreads(order.threads);
      try {
        return await finishSearch(order, settings, { frame, table, threads: order.threads });
      } finally {
        setThreads(threads);
      }
    },
  };
}

interface Around {
  readonly pruner: Pruner;
  readonly history: readonly Observation[];
  readonly threads: number;
}

async function runTrial(
  { number, point }: RunTrial,
  settings: Settings,
  table: SearchTable,
  { pruner, history, threads }: Around,
): Promise<Outcome> {
  const reports: Reported[] = [];
  const start = performance.now();
  // What the pruner knows is the trials that the sampler knew: no more, whatever has ended meanwhile.
  const known = history.filter((one) => one.number <= number - settings.lag);
  try {
    const { state, loss, scores, seconds, rounds } = await evaluate(candidateOf(point, settings), table, {
      seed: settings.seed,
      threads,
      ownProcess: true,
      report(step, value) {
        reports.push({ step, value });
        return !pruner.ends(number, reports, known);
      },
    });
    return { state, loss, scores, reports, seconds, rounds, reason: null };
  } catch (error) {
    if (!(error instanceof NautilusError) || error.slug === 'internal') throw error;
    const reason = { type: `/problems/${error.slug}`, detail: error.message };
    return failedOutcome(reason, (performance.now() - start) / 1000);
  }
}
