// Does work on features, here or in the process that trains.
import { DatasetStore } from '../datasets/store.ts';
import { engineer } from './engineer.ts';
import { importance } from './importance.ts';
import { correlate, select } from './relations.ts';
import type { FeatureOutcome, FeatureWork, WorkControl } from './work-types.ts';

/** Throws what the work throws, NotFoundError and DatasetIntegrityError for its table. */
export async function computeFeatureWork(
  work: FeatureWork,
  dataDir: string,
  control: WorkControl,
): Promise<FeatureOutcome> {
  if (work.work === 'engineer') {
    const { durable, maxBytes } = work.store;
    return (await engineer(work.request, new DatasetStore(dataDir, durable, maxBytes), work.nowUs)).reply;
  }
  const datasets = new DatasetStore(dataDir, false);
  const frameOf = async (id: string) => (await datasets.open(id)).frame;
  if (work.work === 'select') return select(work.request, await frameOf(work.request.dataset_id), control);
  if (work.work === 'correlate')
    return correlate(work.query, work.features, await frameOf(work.query.dataset_id), control);
  const { query, model } = work;
  return importance(query, model, await frameOf(query.dataset_id ?? model.recipe.dataset_id), control);
}
