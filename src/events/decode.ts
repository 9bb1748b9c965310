// From the text in the log to an event that may be applied: its form, its version and its schema are checked.
import type { Envelope } from '../bus/envelope.ts';
import { appendTopic } from '../bus/topics.ts';
import { InvalidOptionError } from '../core/errors.ts';

/** Returns the envelope in `payload`. Throws {@link InvalidOptionError} that says what is wrong with it. */
export function decodeEvent(topicName: string, payload: string): Envelope {
  const topic = appendTopic(topicName);
  if (!topic) throw new InvalidOptionError(`Expected a topic of this version, was ${topicName}`);
  let envelope: Envelope;
  try {
    envelope = JSON.parse(payload) as Envelope;
  } catch {
    throw new InvalidOptionError('Expected a JSON text');
  }
  if (typeof envelope?.id !== 'string' || envelope.topic !== topicName) {
    throw new InvalidOptionError(`Expected an envelope of ${topicName}`);
  }
  if (envelope.version !== topic.version) {
    throw new InvalidOptionError(
      `Expected version ${topic.version} of ${topicName}, was ${envelope.version}`,
    );
  }
  const body = topic.schema.safeParse(envelope.body);
  if (!body.success) {
    const { path, message } = body.error.issues[0]!;
    throw new InvalidOptionError(`Expected a valid body: /${path.join('/')}: ${message}`);
  }
  return { ...envelope, body: body.data };
}
