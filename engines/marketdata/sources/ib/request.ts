// One question to TWS with an answer of several messages: asked once, ended by its mark, a refusal, a loss, time or the caller.
import type { IBApi } from '@stoqey/ib';
import {
  type NautilusError,
  NotFoundError,
  ProviderError,
  TooManyRequestsError,
} from '../../../../src/core/errors.ts';
import type { SourceContext } from '../port.ts';
import { awayError, type Gateway, type Sdk, TITLE } from './gateway.ts';

const ANSWER_MS = 60_000;
const NO_CONTRACT = 200;
const HISTORICAL = 162;

/** How to ask, and how to hear the answer. */
export interface Question<Row> {
  /** Listens for the answer of a number; returns how to stop. */
  hear(api: IBApi, sdk: Sdk, id: number, take: (row: Row) => void, end: () => void): () => void;
  ask(api: IBApi, sdk: Sdk, id: number): void;
}

/**
 * Returns the rows of an answer, none where IB has no data. Throws {@link NotFoundError} for an unknown contract, {@link TooManyRequestsError} when the pace
 * of IB is exceeded, {@link ProviderError} for other refusals, DependencyUnavailableError without a connection, and the reason of `signal`.
 */
export async function answerOf<Row>(
  context: SourceContext,
  gateway: Gateway,
  signal: AbortSignal,
  question: Question<Row>,
): Promise<Row[]> {
  signal.throwIfAborted();
  const rows: Row[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let leave = () => {};
  const id = gateway.open({
    failed: (code, message) => {
      if (code === HISTORICAL && /no data/i.test(message)) resolve();
      else reject(errorOf(code, message));
    },
    lost: (reason) => reject(awayError(reason)),
    ready: (api, sdk) => {
      leave = question.hear(api, sdk, id, (row) => void rows.push(row), resolve);
      question.ask(api, sdk, id);
    },
  });
  const aborted = () => reject(signal.reason);
  signal.addEventListener('abort', aborted, { once: true });
  const cancel = context.timers.after(ANSWER_MS, () => reject(awayError(`no answer within ${ANSWER_MS} ms`)));
  try {
    await promise;
    return rows;
  } finally {
    cancel();
    leave();
    signal.removeEventListener('abort', aborted);
    gateway.close(id);
  }
}

function errorOf(code: number, message: string): NautilusError {
  if (code === NO_CONTRACT) return new NotFoundError(`${TITLE} has no such contract: ${message}`);
  if (/pacing violation/i.test(message))
    return new TooManyRequestsError(`The pace of ${TITLE} is exceeded: ${message}`, 15);
  return new ProviderError(
    `Expected an answer from ${TITLE}, was refused with ${code}: ${message}`,
    TITLE,
    code,
  );
}
