// The errors of model files; the classes that every module shares are in src/core/errors.ts.
import { NautilusError } from '../core/errors.ts';

/** 422: the bytes are not an ONNX model that this project runs; the detail names the first broken rule. */
export class InvalidModelError extends NautilusError {
  constructor(detail: string, cause?: unknown) {
    super('invalid-model', 422, 'Invalid model', detail);
    if (cause !== undefined) this.cause = cause;
  }
}

/** 503: a registered model's files contradict each other (hash, inputs); the model can't be served until it is put right. */
export class ModelIntegrityError extends NautilusError {
  constructor(detail: string) {
    super('model-integrity', 503, 'Model integrity', detail);
  }
}
