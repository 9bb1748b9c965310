// What is checked of a request before a job is made of it.
import { ConflictError } from '../../../src/core/errors.ts';
import { columnOf, computeFeatures } from '../../../src/learning/tables/features.ts';
import type { DatasetStore } from '../datasets/store.ts';
import type { ModelsService } from '../registry/service.ts';
import { type TrainRequest, taskOf } from './schemas.ts';

type Request = Pick<TrainRequest, 'dataset_id' | 'family' | 'options' | 'features' | 'target'>;

/** A request with the family and the options that it means. */
export type Checked<R> = Omit<R, 'family' | 'options'> & {
  readonly model_id: string;
  readonly family: string;
  readonly options: unknown;
};

/**
 * Checks a request against the model, the family and the table. Throws NotFoundError (model, table), InvalidOptionError (family, options,
 * task, columns), ConflictError for a model of the models directory and one without a family.
 */
export async function checked<R extends Request>(
  model_id: string,
  request: R,
  models: ModelsService,
  datasets: DatasetStore,
): Promise<Checked<R>> {
  const model = await models.change(model_id, () => models.registry.store.queries.model(model_id));
  const name = request.family ?? model.family;
  if (name === null) {
    throw new ConflictError(`Expected a family, in the request or in the definition of ${model_id}`);
  }
  const given = request.options ?? (name === model.family ? JSON.parse(model.options) : {});
  // Loaded with the first use: an engine that trains nothing starts without them.
  const { checkedOptions, familyOf } = await import('../../../src/learning/families.ts');
  const options = checkedOptions(familyOf(name), taskOf(request), given);
  const { columns } = await datasets.get(request.dataset_id);
  // On no rows: the columns that features and target name are there.
  const none = new Float64Array();
  const empty = {
    rows: 0,
    tsUs: none,
    series: [],
    seriesOf: new Uint32Array(),
    columns: new Map(columns.map((column) => [column.name, none] as const)),
  };
  computeFeatures(empty, request.features);
  columnOf(empty, request.target.column);
  return { ...request, model_id, family: name, options };
}
