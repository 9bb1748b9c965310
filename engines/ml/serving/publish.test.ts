// What may be published, and with which time.
import { expect, test } from 'bun:test';
import { type PublishParts, publishPrediction } from './publish.ts';
import type { PredictReply } from './schemas.ts';

const { signal } = new AbortController();
const reply = (over: Partial<PredictReply> = {}): PredictReply => ({
  model_id: 'a',
  model_version: '1.0.0',
  inputs: ['x'],
  predictions: [0.25],
  confidence: [0.75],
  signal: ['SELL'],
  thresholds: { buy_above: 0.53, sell_below: 0.49 },
  calibrated: false,
  interval: null,
  processing_time_ms: 1,
  hardware_used: 'cpu',
  hardware_reason: 'asked for',
  backend: 'onnxruntime',
  where: 'in_process',
  ...over,
});

function parts(answer: PredictReply, deployed: { model_id: string; version: string } | null) {
  const published: { timestamp: number; tsEventUs: number }[] = [];
  const made = {
    predict: async () => answer,
    deployed: () => deployed,
    publish: ({ timestamp }: { timestamp: number }, tsEventUs: number) =>
      published.push({ timestamp, tsEventUs }),
    nowUs: () => 5_000_000,
  } as unknown as PublishParts;
  return { made, published };
}

test('a prediction of features has their time, one of posted inputs that of now', async () => {
  const deployed = { model_id: 'a', version: '1.0.0' };
  const features = parts(reply({ ts_event_us: 3_000_000 }), deployed);
  await publishPrediction(features.made, { symbol: 'X' }, signal);
  expect(features.published).toEqual([{ timestamp: 3, tsEventUs: 3_000_000 }]);
  const posted = parts(reply(), deployed);
  const answer = await publishPrediction(posted.made, { symbol: 'X', inputs: [1] }, signal);
  expect(posted.published).toEqual([{ timestamp: 5, tsEventUs: 5_000_000 }]);
  expect(answer).toMatchObject({ symbol: 'X', ts_event_us: 5_000_000 });
});

test('another model, another version, or none on the stream is refused, and nothing is published', async () => {
  for (const deployed of [{ model_id: 'b', version: '1.0.0' }, { model_id: 'a', version: '1.0.1' }, null]) {
    const { made, published } = parts(reply(), deployed);
    await expect(publishPrediction(made, { symbol: 'X', inputs: [1] }, signal)).rejects.toMatchObject({
      status: 409,
    });
    expect(published).toEqual([]);
  }
});
