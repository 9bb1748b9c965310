// What serves predictions behind the routes, without the routes: models of a directory, and a process for those that are not quick.
import { fileModels } from '../../engines/ml/model-source.ts';
import { ServingMetrics } from '../../engines/ml/serving/metrics.ts';
import { ServedModels } from '../../engines/ml/serving/models.ts';
import { ModelPool } from '../../engines/ml/serving/pool.ts';
import { Predictor } from '../../engines/ml/serving/predictor.ts';
import { Registry } from '../../src/http/prom.ts';

/** Returns what predicts with the models of a directory; close it in the end. */
export function openPredictor(directory: string) {
  const pool = new ModelPool({
    processes: 1,
    processBytes: 2 ** 30,
    maxWaiting: 100,
    delayUs: 0,
    startMs: 60_000,
    events: { ran() {}, lost() {}, retried() {}, setAside() {} },
  });
  const source = fileModels(directory);
  const models = new ServedModels({ source, pool, cacheBytes: 1e9, maxBatchRows: 1000 });
  const metrics = new ServingMetrics(new Registry(), () => ({ waiting: 0, processes: 0, cacheBytes: 0 }));
  return {
    models,
    predictor: new Predictor(models, pool, metrics),
    async close(): Promise<void> {
      await pool.close();
      await models.close();
    },
  };
}
