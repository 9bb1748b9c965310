// The only place that loads onnxruntime-node, and only when a model is first needed.
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { BackendUnavailableError } from '../core/errors.ts';

/** The part of onnxruntime-node that sessions use; tests pass their own. */
export interface OrtRuntime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: {
    new (type: 'float32', data: Float32Array, dims: readonly number[]): Tensor;
    new (type: 'int64', data: BigInt64Array, dims: readonly number[]): Tensor;
  };
}

let loading: Promise<OrtRuntime> | null = null;

/**
 * Returns onnxruntime-node, importing it on first use: with its first session it costs tens of milliseconds and about
 * 40 MB of resident memory, which an engine that serves no model must not pay.
 * Throws BackendUnavailableError when its native library can't load here.
 */
export function loadRuntime(): Promise<OrtRuntime> {
  loading ??= import('onnxruntime-node').catch((cause: unknown) => {
    loading = null;
    const error = new BackendUnavailableError('Expected ONNX Runtime, could not be loaded on this machine');
    error.cause = cause;
    throw error;
  });
  return loading;
}
