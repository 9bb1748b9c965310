// The newest state of models as their page needs it at load: registry, trainings, searches, experiments, drift, predictions, decisions.
import type { Envelope } from '../../../src/bus/envelope.ts';
import { type BodyOf, type Topic, topics } from '../../../src/bus/topics.ts';
import { ThinnedCurve } from './series.ts';
import { stamped } from './stamped.ts';

type Model = BodyOf<typeof topics.models>;
type Training = BodyOf<typeof topics.trainingUpdates>;
type Search = BodyOf<typeof topics.searchUpdates>;
type Experiment = BodyOf<typeof topics.experimentUpdates>;
type Drift = BodyOf<typeof topics.driftUpdates>;
type Prediction = BodyOf<typeof topics.mlPredictions>;
type Decision = BodyOf<typeof topics.decisions>;

/** How much is kept of each kind; beyond it what was not heard of longest goes. */
export const MODEL_LIMITS = {
  models: 500,
  trainings: 20,
  curve: 300,
  searches: 20,
  experiments: 50,
  monitors: 200,
  predictions: 100,
  decisions: 100,
} as const;

/** The newest of each key, the newest last. */
class Newest<Value> {
  readonly #values = new Map<string, Value>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: Value): void {
    this.#values.delete(key);
    if (this.#values.size >= this.#limit) this.#values.delete(this.#values.keys().next().value!);
    this.#values.set(key, value);
  }

  delete(key: string): void {
    this.#values.delete(key);
  }

  newestFirst(): Value[] {
    return [...this.#values.values()].reverse();
  }
}

type Losses = Pick<Training, 'loss' | 'validation_loss'>;

interface Followed {
  readonly newest: Training;
  /** Over its steps. */
  readonly curve: ThinnedCurve<Losses>;
}

/** Follows what is told of models, whether or not anybody watches. */
export class ModelBoard {
  readonly #models = new Newest<Model>(MODEL_LIMITS.models);
  readonly #trainings = new Newest<Followed>(MODEL_LIMITS.trainings);
  readonly #searches = new Newest<Search>(MODEL_LIMITS.searches);
  readonly #experiments = new Newest<Experiment>(MODEL_LIMITS.experiments);
  readonly #monitors = new Newest<Drift>(MODEL_LIMITS.monitors);
  readonly #predictions = new Newest<Envelope<Prediction>>(MODEL_LIMITS.predictions);
  readonly #decisions = new Newest<Envelope<Decision>>(MODEL_LIMITS.decisions);

  readonly #take = new Map<string, (envelope: Envelope) => void>();

  constructor() {
    this.#on(topics.models, ({ body }) => {
      if (body.deleted) this.#models.delete(body.model_id);
      else this.#models.set(body.model_id, body);
    });
    this.#on(topics.trainingUpdates, ({ body }) => this.#takeTraining(body));
    this.#on(topics.searchUpdates, ({ body }) => this.#searches.set(body.job_id, body));
    this.#on(topics.experimentUpdates, ({ body }) => this.#experiments.set(body.experiment_id, body));
    this.#on(topics.driftUpdates, ({ body }) => {
      const known = this.#monitors.get(body.model_id);
      this.#monitors.set(body.model_id, known ? joined(known, body) : body);
    });
    this.#on(topics.mlPredictions, (prediction) => this.#predictions.set(prediction.body.symbol, prediction));
    this.#on(topics.decisions, (decision) =>
      this.#decisions.set(`${decision.body.decision_id} ${decision.body.symbol}`, decision),
    );
  }

  /** Whether a snapshot of models shows what this topic tells. */
  shows({ name }: Topic<unknown>): boolean {
    return this.#take.has(name);
  }

  /** Takes in one message of any topic; those that no snapshot of models shows are ignored. */
  take(envelope: Envelope): void {
    this.#take.get(envelope.topic)?.(envelope);
  }

  /** Everything kept; lists have the newest first, models and predictions are by name. */
  snapshot() {
    const by = (a: string, b: string) => (a < b ? -1 : 1);
    return {
      models: this.#models.newestFirst().sort((a, b) => by(a.model_id, b.model_id)),
      trainings: this.#trainings
        .newestFirst()
        .map(({ newest, curve }) => ({ ...newest, curve: lossesOf(curve) })),
      searches: this.#searches.newestFirst(),
      experiments: this.#experiments.newestFirst(),
      monitors: this.#monitors.newestFirst(),
      predictions: this.#predictions
        .newestFirst()
        .map(stamped)
        .sort((a, b) => by(a.symbol, b.symbol)),
      decisions: this.#decisions.newestFirst().map(stamped),
    };
  }

  #on<Body>({ name }: Topic<Body>, take: (envelope: Envelope<Body>) => void): void {
    this.#take.set(name, take as (envelope: Envelope) => void);
  }

  #takeTraining(update: Training): void {
    const known = this.#trainings.get(update.job_id);
    // A training that begins again after a crash has a curve of its own.
    const fresh = !known || update.state === 'started';
    const curve = fresh ? new ThinnedCurve<Losses>(MODEL_LIMITS.curve) : known.curve;
    const { step, loss, validation_loss } = update;
    if (step !== null && (loss !== null || validation_loss !== null))
      curve.push(step, { loss, validation_loss });
    this.#trainings.set(update.job_id, { newest: update, curve });
  }
}

/** A word on a retraining tells no figures: those of the window before stay. A window tells of no retraining: one that runs stays. */
function joined(known: Drift, found: Drift): Drift {
  if (found.window === null) return { ...known, retraining: found.retraining };
  return known.retraining?.state === 'running' ? { ...found, retraining: known.retraining } : found;
}

function lossesOf(curve: ThinnedCurve<Losses>) {
  const { at, values, stride } = curve.points();
  return {
    step: at,
    loss: values.map(({ loss }) => loss),
    validation_loss: values.map(({ validation_loss }) => validation_loss),
    stride,
  };
}
