// Outcomes and the predictions that wait for them.
import type { Unit } from '../../../src/bus/unit.ts';
import type { ModelCard } from '../../../src/onnx/model-card.ts';
import { accuracyBaseline, type LossBaseline } from './losses.ts';
import { type BaselineFrom, withLosses } from './outcomes.ts';
import type { MonitorState, Reference, VersionState, WaitingAnswers } from './records.ts';
import { lossOf, outcomeOf, type WatchedCard } from './rows.ts';
import type { MonitorConfig, Outcomes } from './schemas.ts';
import { MonitorQueries, writeMatched, writeState } from './store.ts';

/** What came of outcomes. */
export interface Matched {
  readonly matched: number;
  readonly other_version: number;
  readonly unknown: number;
}

/** Returns what the losses of a version are held against: what was posted, else the test rows, else its first outcomes. */
export function baselineFor(
  { baseline: posted }: Pick<MonitorConfig, 'baseline'>,
  card: WatchedCard,
  reference: Pick<Reference, 'losses'> | null,
  { firstLosses }: VersionState,
): (LossBaseline & { readonly from: BaselineFrom }) | null {
  const { model_type } = card;
  const { accuracy, mean_absolute_error } = posted;
  const rows = posted.rows ?? null;
  if (model_type === 'classification' && accuracy !== undefined)
    return { ...accuracyBaseline(accuracy, rows), from: 'posted' };
  if (model_type === 'regression' && mean_absolute_error !== undefined)
    // As if the errors were those of a normal distribution, whose variance of |x| is (pi/2 - 1) of the squared mean.
    return {
      ...{ mean: mean_absolute_error, variance: mean_absolute_error ** 2 * (Math.PI / 2 - 1) },
      ...{ rows, from: 'posted' },
    };
  if (reference?.losses) return { ...reference.losses, from: 'test_rows' };
  const told = model_type === 'classification' ? toldAccuracy(card) : null;
  if (told) return { ...told, from: 'test_rows' };
  return firstLosses && { ...firstLosses, from: 'first_outcomes' };
}

/** The accuracy on its test rows that the card of a model of the models directory tells. */
function toldAccuracy(card: object): LossBaseline | null {
  const { out_of_sample, split } = card as Partial<Pick<ModelCard, 'out_of_sample' | 'split'>>;
  const accuracy = out_of_sample?.metrics.accuracy;
  return accuracy === undefined ? null : accuracyBaseline(accuracy, split?.test.rows ?? null);
}

/** Matches outcomes with what waits for them, in their order. Each row of a request is matched once. */
async function match(queries: MonitorQueries, id: string, card: WatchedCard | null, given: Outcomes) {
  const named = given.flatMap(({ prediction_id }) => prediction_id ?? []);
  const keyed = given.flatMap(({ key }) => key ?? []);
  const byId = await queries.answers(id, named);
  const byKey = await queries.answersOfKeys(id, keyed);
  // One request may be named by its id and by its key: both are the same one.
  const requests = new Map<string, { readonly request: WaitingAnswers; readonly left: (number | null)[] }>();
  for (const request of [...byKey.values(), ...byId.values()])
    if (!requests.has(request.prediction_id))
      requests.set(request.prediction_id, { request, left: [...request.answers] });
  const losses: number[] = [];
  const changed = new Map<string, WaitingAnswers>();
  let [other_version, unknown] = [0, 0];
  for (const { prediction_id, key, row, value } of given) {
    const found = requests.get(prediction_id ?? byKey.get(key!)?.prediction_id ?? '');
    const decided = found?.left[row] ?? null;
    const happened = card && outcomeOf(card, value);
    if (!found || decided === null || happened === null) {
      unknown++;
      continue;
    }
    found.left[row] = null;
    changed.set(found.request.prediction_id, { ...found.request, answers: found.left });
    if (found.request.version === card!.version) losses.push(lossOf(card!, decided, happened));
    else other_version++;
  }
  return { losses, other_version, unknown, changed: [...changed.values()] };
}

/** Matches outcomes in a unit of work, and returns what is remembered after them. */
export async function takeOutcomes(
  { tx }: Unit,
  id: string,
  given: Outcomes,
  watching: {
    readonly card: WatchedCard | null;
    readonly state: MonitorState;
    readonly config: MonitorConfig;
    readonly reference: Pick<Reference, 'losses'> | null;
  },
): Promise<{ readonly counts: Matched; readonly state: MonitorState }> {
  const { card, config, reference } = watching;
  const found = await match(new MonitorQueries(tx), id, card, given);
  const { losses, other_version, unknown } = found;
  for (const request of found.changed) writeMatched(tx, id, request);
  let { state } = watching;
  if (state.watched && card && losses.length > 0) {
    const baseline = baselineFor(config, card, reference, state.watched);
    const watched = withLosses(state.watched, losses, baseline);
    state = { ...state, watched, matched: state.matched + losses.length };
    writeState(tx, id, state);
  }
  return { counts: { matched: losses.length, other_version, unknown }, state };
}
