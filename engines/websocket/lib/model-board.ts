// The newest state of models as their page needs it at load: registry, trainings, searches, experiments, drift, predictions, decisions.
import type { Envelope } from '../../../src/bus/envelope.ts';
import { type BodyOf, topics } from '../../../src/bus/topics.ts';
import { type Stamped, stamped } from './stamped.ts';

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

/** Losses of a training: columns of one length, thinned to at most `MODEL_LIMITS.curve` points. */
export interface LossCurve {
  readonly step: number[];
  readonly loss: (number | null)[];
  readonly validation_loss: (number | null)[];
}

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

interface Followed {
  readonly newest: Training;
  readonly curve: LossCurve;
}

/** Follows what is told of models, whether or not anybody watches. */
export class ModelBoard {
  readonly #models = new Newest<Model>(MODEL_LIMITS.models);
  readonly #trainings = new Newest<Followed>(MODEL_LIMITS.trainings);
  readonly #searches = new Newest<Search>(MODEL_LIMITS.searches);
  readonly #experiments = new Newest<Experiment>(MODEL_LIMITS.experiments);
  readonly #monitors = new Newest<Drift>(MODEL_LIMITS.monitors);
  readonly #predictions = new Newest<Stamped<Prediction>>(MODEL_LIMITS.predictions);
  readonly #decisions = new Newest<Stamped<Decision>>(MODEL_LIMITS.decisions);

  /** Takes in one message of any topic; those that no snapshot of models shows are ignored. */
  take(envelope: Envelope): void {
    switch (envelope.topic) {
      case topics.models.name: {
        const model = envelope.body as Model;
        if (model.deleted) this.#models.delete(model.model_id);
        else this.#models.set(model.model_id, model);
        break;
      }
      case topics.trainingUpdates.name:
        this.#takeTraining(envelope.body as Training);
        break;
      case topics.searchUpdates.name:
        this.#searches.set((envelope.body as Search).job_id, envelope.body as Search);
        break;
      case topics.experimentUpdates.name:
        this.#experiments.set((envelope.body as Experiment).experiment_id, envelope.body as Experiment);
        break;
      case topics.driftUpdates.name: {
        const found = envelope.body as Drift;
        const known = this.#monitors.get(found.model_id);
        // A word on a retraining tells no figures: those of the window before stay.
        const { retraining } = found;
        this.#monitors.set(found.model_id, found.window === null && known ? { ...known, retraining } : found);
        break;
      }
      case topics.mlPredictions.name: {
        const prediction = stamped(envelope as Envelope<Prediction>);
        this.#predictions.set(prediction.symbol, prediction);
        break;
      }
      case topics.decisions.name: {
        const decision = stamped(envelope as Envelope<Decision>);
        this.#decisions.set(`${decision.decision_id} ${decision.symbol}`, decision);
        break;
      }
    }
  }

  /** Everything kept; lists have the newest first, models and predictions are by name. */
  snapshot() {
    const by = (a: string, b: string) => (a < b ? -1 : 1);
    return {
      models: this.#models.newestFirst().sort((a, b) => by(a.model_id, b.model_id)),
      trainings: this.#trainings.newestFirst().map(({ newest, curve }) => ({ ...newest, curve })),
      searches: this.#searches.newestFirst(),
      experiments: this.#experiments.newestFirst(),
      monitors: this.#monitors.newestFirst(),
      predictions: this.#predictions.newestFirst().sort((a, b) => by(a.symbol, b.symbol)),
      decisions: this.#decisions.newestFirst(),
    };
  }

  #takeTraining(update: Training): void {
    const known = this.#trainings.get(update.job_id);
    // A training that begins again after a crash has a curve of its own.
    const fresh = !known || update.state === 'started';
    const curve = fresh ? { step: [], loss: [], validation_loss: [] } : known.curve;
    pushLoss(curve, update);
    this.#trainings.set(update.job_id, { newest: update, curve });
  }
}

function pushLoss(curve: LossCurve, { step, loss, validation_loss }: Training): void {
  if (step === null || (loss === null && validation_loss === null)) return;
  const last = curve.step.at(-1);
  if (last !== undefined && step < last) return;
  if (step === last) for (const column of Object.values(curve)) column.pop();
  curve.step.push(step);
  curve.loss.push(loss);
  curve.validation_loss.push(validation_loss);
  if (curve.step.length <= MODEL_LIMITS.curve) return;
  // The first and the newest stay.
  const keep = (_: unknown, i: number, all: readonly unknown[]) => i % 2 === 0 || i === all.length - 1;
  for (const column of Object.values(curve)) column.splice(0, column.length, ...column.filter(keep));
}
