// Errors of serving; those of model files are in src/onnx/errors.ts.
import { NautilusError } from '../../../src/core/errors.ts';

/** 503: as many requests wait as may; `retry_after_s` tells when the queue should be shorter. */
export class OverloadedError extends NautilusError {
  constructor(detail: string, retryAfterS: number) {
    super('overloaded', 503, 'Overloaded', detail, { retry_after_s: retryAfterS });
  }
}

/** 422: a model took more memory or time than one may, alone with one request; it is set aside for `retry_after_s`. */
export class ModelLimitError extends NautilusError {
  constructor(detail: string, retryAfterS: number) {
    super('model-limit', 422, 'Model limit', detail, { retry_after_s: retryAfterS });
  }
}

/** Why a process that ran a model is gone. */
export type Loss = 'memory' | 'time' | 'died';

/** The process that ran a model is gone. It stays within serving, which tries again or tells the caller in other words. */
export class ProcessLostError extends Error {
  readonly loss: Loss;

  constructor(loss: Loss) {
    super(`the process is gone: ${loss}`);
    this.loss = loss;
  }
}
