// Predictions that are told to everybody on ml.predictions, beside those of the stream.
import type { BodyOf, topics } from '../../../src/bus/topics.ts';
import { ConflictError } from '../../../src/core/errors.ts';
import type { ServedCard } from '../model-source.ts';
import type { PredictReply, PredictRequest, PublishRequest } from './schemas.ts';

type Body = BodyOf<typeof topics.mlPredictions>;

/** What publishing needs of the engine around it. */
export interface PublishParts {
  /** Answers one row or the newest features of an instrument. */
  readonly predict: (request: PredictRequest, signal: AbortSignal) => Promise<PredictReply>;
  /** The card of the model that serves the stream; null while none does. */
  readonly deployed: () => ServedCard | null;
  readonly publish: (body: Body, tsEventUs: number) => void;
  readonly nowUs: () => number;
}

/**
 * Predicts one row for an instrument and publishes it. Throws ConflictError for another model than the one that serves the stream, whose
 * numbers mean something else to those who listen, and what predicting throws; then nothing was published.
 */
export async function publishPrediction(
  { predict, deployed, publish, nowUs }: PublishParts,
  { symbol, inputs, ...request }: PublishRequest,
  signal: AbortSignal,
): Promise<PredictReply> {
  const reply = await predict(inputs ? { ...request, inputs: [inputs] } : { ...request, symbol }, signal);
  const serving = deployed();
  if (serving?.model_id !== reply.model_id || serving.version !== reply.model_version)
    throw new ConflictError('Expected the model that serves the stream for what is published, was another');
  const tsEventUs = reply.ts_event_us ?? nowUs();
  const [prediction] = reply.predictions as number[];
  const { model_id, model_version, hardware_used } = reply;
  const [confidence] = reply.confidence!;
  const timestamp = tsEventUs / 1e6;
  publish(
    {
      symbol,
      model_id,
      timestamp,
      prediction: prediction!,
      confidence: confidence!,
      model_version,
      hardware_used,
    },
    tsEventUs,
  );
  return { ...reply, symbol, ts_event_us: tsEventUs };
}
