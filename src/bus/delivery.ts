// What a transport does with the text of a batch that arrives: decode it, check its shape, deliver it or count it as poison.
import type { Envelope } from './envelope.ts';
import type { TransportSink } from './transport.ts';

/** Hands the messages of a JSON array of envelopes to `sink`; what cannot be decoded is counted as poison. */
export function deliverJson(topic: string, json: string, sink: TransportSink | undefined): void {
  let batch: unknown;
  try {
    batch = JSON.parse(json);
  } catch {
    sink?.onPoison();
    return;
  }
  if (Array.isArray(batch) && batch.every(isEnvelope)) sink?.onBatch(topic, batch);
  else sink?.onPoison();
}

function isEnvelope(value: unknown): value is Envelope {
  const e = value as Envelope;
  return (
    typeof e === 'object' &&
    e !== null &&
    typeof e.id === 'string' &&
    typeof e.topic === 'string' &&
    'body' in e
  );
}
