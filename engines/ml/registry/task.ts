// What the numbers of a model are: as it is asked for, or what its type and its family say.
import { TASKS, type Task } from '../../../src/learning/family.ts';
import type { ModelDefinition } from './schemas.ts';

/** Tasks of the published types that are not regressions. */
const TASK_OF_TYPE: Readonly<Record<string, Task>> = {
  trading_signals: 'classification',
  market_regime: 'classification',
  sentiment: 'classification',
  lstm_autoencoder: 'reconstruction',
};

/**
 * Returns the task of a definition: the one that it names, else that of its type where its family learns it, else the first of its
 * family. Throws InvalidOptionError for a family that there is not, a task that it does not learn, and options that don't hold.
 */
export async function taskOfDefinition(
  definition: Pick<ModelDefinition, 'task' | 'model_type' | 'family' | 'options'>,
): Promise<Task> {
  const { task, model_type, family, options } = definition;
  const ofType = TASKS.find((known) => known === model_type) ?? TASK_OF_TYPE[model_type];
  if (family === undefined) return task ?? ofType ?? 'regression';
  // Loaded with the first use: an engine that trains nothing starts without them.
  const { checkedOptions, familyOf } = await import('../../../src/learning/families.ts');
  const found = familyOf(family);
  const learnt = ofType && found.tasks.includes(ofType) ? ofType : found.tasks[0]!;
  checkedOptions(found, task ?? learnt, options ?? {});
  return task ?? learnt;
}
