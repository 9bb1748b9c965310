// A day of the ml engine for the page of models: what it would publish of models, trainings, searches, experiments and decisions.
import type { Bus } from '../../src/bus/client.ts';
import { type BodyOf, topics } from '../../src/bus/topics.ts';

type Training = BodyOf<typeof topics.trainingUpdates>;
type Decision = BodyOf<typeof topics.decisions>;

const NOW_S = 1_767_312_000;
const version = (number: number, stage: 'none' | 'production' | 'archived', accuracy: number) => ({
  version: `${number}`,
  stage,
  metrics: { accuracy, log_loss: 0.69, brier: 0.249, auc: 0.557 },
  created_us: (NOW_S + number) * 1e6,
});

/** One state of a training whose loss falls as its steps grow. */
export function training(step: number, over: Partial<Training> = {}): Training {
  return {
    job_id: 'training-000001',
    model_id: 'direction',
    family: 'lstm',
    state: 'running',
    fraction: step / 100,
    step,
    loss: 1 / (1 + step / 20),
    validation_loss: 0.2 + 1 / (1 + step / 15),
    model_version: null,
    reason: null,
    timestamp: NOW_S + step,
    ...over,
  };
}

/** One decision to buy that passed all gates. */
export function decision(symbol: string, over: Partial<Decision> = {}): Decision {
  return {
    decision_id: 'decision-1',
    symbol,
    portfolio_id: 'portfolio_001',
    signal: 'BUY',
    ml_confidence: 0.91,
    risk_score: 0.82,
    combined_confidence: 0.883,
    decision: 'execute',
    gates: [{ gate: 'confidence', value: 0.91, threshold: 0.8, passed: true }],
    reasons: [],
    weight_change: 0.0455,
    portfolio_var: 0.012,
    model_id: 'direction',
    model_version: '2',
    total_ms: 4.43,
    timestamp: NOW_S,
    ...over,
  };
}

/** Publishes something of everything that the page shows. */
export function publishModels(bus: Bus): void {
  const model = {
    name: 'Direction',
    model_type: 'classification',
    algorithm: 'lstm',
    deleted: false,
  } as const;
  bus.publish(topics.models, {
    ...model,
    model_id: 'direction',
    source: 'registry',
    deployed_version: '2',
    versions: [version(3, 'none', 0.56), version(2, 'production', 0.55), version(1, 'archived', 0.51)],
  });
  bus.publish(topics.models, {
    ...model,
    model_id: 'empty',
    source: 'registry',
    deployed_version: null,
    versions: [],
  });
  bus.publish(topics.trainingUpdates, training(0, { state: 'started', step: null, loss: null }));
  for (let step = 1; step <= 40; step++) bus.publish(topics.trainingUpdates, training(step));
  bus.publish(topics.searchUpdates, {
    job_id: 'search-000001',
    kind: 'automl',
    state: 'running',
    fraction: 0.4,
    trials: { complete: 30, pruned: 8, failed: 2, running: 2 },
    max_trials: 100,
    metric: 'sharpe_ratio',
    best_trial: 17,
    best_score: 1.234,
    leaders: [
      { trial: 17, model_type: 'xgboost', score: 1.234 },
      { trial: 4, model_type: 'transformer', score: 1.1 },
    ],
    reason: null,
    timestamp: NOW_S,
  });
  bus.publish(topics.experimentUpdates, {
    experiment_id: 'experiment-1',
    model_id: 'direction',
    mode: 'canary',
    state: 'promoted',
    reason: 'the challenger is better',
    metric: 'accuracy',
    weights: { control: 0.9, challenger: 0.1 },
    counts: { control: 900, challenger: 100 },
    p_values: { challenger: 0.0123 },
    winner: 'challenger',
    timestamp: NOW_S,
  });
  const found = {
    model_id: 'direction',
    model_version: '2',
    window: 7,
    rows: 500,
    input_psi_max: 0.31,
    drifted_inputs: ['rsi_14'],
    prediction_psi_max: 0.02,
    score: 'accuracy' as const,
    score_now: 0.48,
    score_before: 0.55,
    latency_ms: 1.5,
    latency_before_ms: 1.2,
    alarms: ['performance_drift', 'data_drift'] as ('performance_drift' | 'data_drift')[],
    raised: [],
    texts: ['accuracy fell from 0.55 to 0.48'],
    retraining: null,
    timestamp: NOW_S,
  };
  bus.publish(topics.driftUpdates, found);
  const retraining = {
    retraining_id: 'r',
    state: 'running',
    new_version: null,
    deployed: false,
    error: null,
  } as const;
  const word = {
    ...found,
    window: null,
    rows: 0,
    input_psi_max: null,
    score_now: null,
    alarms: [],
    texts: [],
  };
  bus.publish(topics.driftUpdates, { ...word, retraining });
  bus.publish(topics.mlPredictions, {
    symbol: 'BTC-SIM',
    model_id: 'direction',
    timestamp: NOW_S,
    prediction: 0.617,
    confidence: 0.617,
    model_version: '2',
    hardware_used: 'cpu',
  });
  bus.publish(topics.decisions, decision('AAPL'));
  bus.publish(
    topics.decisions,
    decision('MSFT', {
      decision: 'reject',
      risk_score: null,
      reasons: ['the risk of the symbol is not known'],
    }),
  );
  bus.flush();
}
