// The rows of the published tables, in their order: the claim word for word, and what measures ours.
import type { RowPlan } from './measure.ts';
import { automl } from './rows/automl.ts';
import { featureEngineering } from './rows/features.ts';
import { inference10k, realtimePrediction } from './rows/inference.ts';
import { matrix } from './rows/matrix.ts';
import { memoryBandwidth } from './rows/memory-bandwidth.ts';
import { monteCarlo } from './rows/monte-carlo.ts';
import { orderExecution, throughput } from './rows/orders.ts';
import { relativeStrengthIndex } from './rows/rsi.ts';
import { batchTraining, crossValidation } from './rows/training.ts';

const platform = (operation: string, before: string, after: string) => ({
  table: 'platform',
  operation,
  before,
  after,
});
const learning = (operation: string, before: string, after: string) => ({
  table: 'ML engine',
  operation,
  before,
  after,
});

/** Every row, in the order of the tables. */
export const ROWS: readonly RowPlan[] = [
  {
    id: 'matrix',
    published: platform('Matrix operations', '890 ms', '12 ms'),
    publishedRatio: 74,
    measure: matrix,
  },
  {
    id: 'monte_carlo',
    published: platform('Monte Carlo simulations', '2,450 ms', '48 ms'),
    publishedRatio: 51,
    measure: monteCarlo,
  },
  {
    id: 'rsi',
    published: platform('RSI calculations', '125 ms', '8 ms'),
    publishedRatio: 16,
    measure: relativeStrengthIndex,
  },
  {
    id: 'memory_bandwidth',
    published: platform('Memory bandwidth', '68 GB/s', '420 GB/s'),
    publishedRatio: 6,
    measure: memoryBandwidth,
  },
  {
    id: 'order_execution',
    published: platform('Order execution pipeline', '15.67 ms', '0.22 ms'),
    publishedRatio: 71,
    measure: orderExecution,
  },
  {
    id: 'throughput',
    published: platform('System throughput', '1,000 ops/s', '50,000+ ops/s'),
    publishedRatio: 50,
    measure: throughput,
  },
  {
    id: 'ml_inference_10k',
    published: learning('Model inference (10K)', '51.4 ms', '7 ms'),
    publishedRatio: 7.3,
    measure: inference10k,
  },
  {
    id: 'batch_training',
    published: learning('Batch model training', '2,450 ms', '185 ms'),
    publishedRatio: 13.2,
    measure: batchTraining,
  },
  {
    id: 'realtime_prediction',
    published: learning('Real-time prediction', '23.7 ms', '3.2 ms'),
    publishedRatio: 7.4,
    measure: realtimePrediction,
  },
  {
    id: 'feature_engineering',
    published: learning('Feature engineering', '134 ms', '18 ms'),
    publishedRatio: 7.4,
    measure: featureEngineering,
  },
  {
    id: 'cross_validation',
    published: learning('Model validation (CV)', '1,890 ms', '245 ms'),
    publishedRatio: 7.7,
    measure: crossValidation,
  },
  {
    id: 'automl',
    published: learning('AutoML optimisation', '15,000 ms', '1,200 ms'),
    publishedRatio: 12.5,
    measure: automl,
  },
];
