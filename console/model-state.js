// What the page of models knows: the snapshot, kept current by messages, in bounded buffers. No DOM here.
import { enginesOf, pushPoint, takeLifecycle, takePresence } from './state.js';

const LIMITS = {
  models: 500,
  trainings: 20,
  searches: 20,
  experiments: 50,
  monitors: 200,
  predictions: 100,
  decisions: 100,
};
const CURVE = 300;
const KINDS = Object.keys(LIMITS);

/** Returns an empty state; `dirty` names the parts that have changed since they were drawn. */
export function createState() {
  return {
    version: '',
    engines: new Map(),
    ...Object.fromEntries(KINDS.map((kind) => [kind, new Map()])),
    messages: 0,
    lost: 0,
    dirty: new Set(),
  };
}

const KEYS = {
  models: (model) => model.model_id,
  trainings: (training) => training.job_id,
  searches: (search) => search.job_id,
  experiments: (experiment) => experiment.experiment_id,
  monitors: (monitor) => monitor.model_id,
  predictions: (prediction) => prediction.symbol,
  decisions: (decision) => `${decision.decision_id} ${decision.symbol}`,
};

/** Replaces everything by a snapshot. */
export function applySnapshot(state, snapshot) {
  state.version = snapshot.version;
  state.engines = enginesOf(snapshot);
  // Maps have the newest last, lists of the snapshot first.
  for (const kind of KINDS)
    state[kind] = new Map([...snapshot[kind]].reverse().map((item) => [KEYS[kind](item), item]));
  for (const { curve } of state.trainings.values()) curve.since = 1;
  for (const part of ['engines', ...KINDS]) state.dirty.add(part);
}

/** Takes in one message of the stream. Messages that the snapshot already holds change nothing. */
export function applyMessage(state, { topic, ts_event_us, body }) {
  state.messages++;
  HANDLERS[topic]?.(state, body, ts_event_us);
}

const HANDLERS = {
  'ml.models': takeModel,
  'ml.training_updates': takeTraining,
  'ml.search_updates': (state, body) => keep(state, 'searches', body),
  'ml.experiment_updates': (state, body) => keep(state, 'experiments', body),
  'ml.drift_updates': takeDrift,
  'ml.predictions': (state, body, ts_event_us) => keep(state, 'predictions', { ...body, ts_event_us }),
  'ml.decisions': (state, body, ts_event_us) => keep(state, 'decisions', { ...body, ts_event_us }),
  'system.engines': takePresence,
  'system.lifecycle': takeLifecycle,
};

function keep(state, kind, item) {
  const map = state[kind];
  const key = KEYS[kind](item);
  map.delete(key);
  map.set(key, item);
  if (map.size > LIMITS[kind]) map.delete(map.keys().next().value);
  state.dirty.add(kind);
}

function takeModel(state, body) {
  if (!body.deleted) return keep(state, 'models', body);
  state.models.delete(body.model_id);
  state.dirty.add('models');
}

// A word on a retraining tells no figures: those of the window before stay. A window tells of no retraining: one that runs stays.
function takeDrift(state, body) {
  const known = state.monitors.get(body.model_id);
  if (body.window === null) keep(state, 'monitors', { ...(known ?? body), retraining: body.retraining });
  else if (known?.retraining?.state === 'running')
    keep(state, 'monitors', { ...body, retraining: known.retraining });
  else keep(state, 'monitors', body);
}

function takeTraining(state, body) {
  const { step, loss, validation_loss } = body;
  // A training that begins again after a crash has a curve of its own.
  const known = body.state === 'started' ? undefined : state.trainings.get(body.job_id);
  const curve = known?.curve ?? { step: [], loss: [], validation_loss: [], stride: 1, since: 0 };
  if (step !== null && (loss !== null || validation_loss !== null))
    pushPoint(curve, ['step', 'loss', 'validation_loss'], body, CURVE);
  keep(state, 'trainings', { ...body, curve });
}
