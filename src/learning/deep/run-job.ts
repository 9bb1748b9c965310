// Runs the training of a network where the caller wants it: in a child, or here where this process is there for the fit alone.
import { CancelledError } from '../../native/errors.ts';
import { decodeCheckpoint } from '../../onnx/training/checkpoint.ts';
import { fingerprintOf } from '../../onnx/training/fingerprint.ts';
import { trainInChild } from '../../onnx/training/in-child.ts';
import type { TrainingJob, TrainingProgress, TrainingResult } from '../../onnx/training/job.ts';
import type { FitControl } from '../family.ts';

/** Trains, from the last checkpoint of this run where there is one. Throws DivergedError, CancelledError. */
export async function runJob(
  job: TrainingJob,
  threads: number,
  { signal, progress, checkpoints, ownProcess }: FitControl,
): Promise<TrainingResult> {
  const tell = ({ fraction, epoch, loss, validation_loss }: TrainingProgress) =>
    progress?.({
      fraction,
      step: epoch,
      loss,
      ...(validation_loss === undefined ? {} : { validation_loss }),
    });
  const run = fingerprintOf(job);
  const keeping = checkpoints && {
    resume: await lastOf(checkpoints, run),
    checkpoint: (state: Uint8Array) => checkpoints.save(run, state),
    checkpointMs: checkpoints.everyMs,
  };
  if (!ownProcess) return trainInChild(job, { ...keeping, threads, signal, progress: tell });
  // Loaded with the first use: it brings ONNX Runtime along.
  const { train } = await import('../../onnx/training/train.ts');
  return train(job, {
    ...keeping,
    threads,
    async progress(now) {
      tell(now);
      // A turn of the event loop lets messages out, and a signal in.
      await Bun.sleep(0);
      if (signal?.aborted) throw new CancelledError('The training was cancelled; nothing of it is kept');
    },
  });
}

/** The state that a run goes on from; a damaged one is none. */
async function lastOf(checkpoints: NonNullable<FitControl['checkpoints']>, run: string) {
  const state = await checkpoints.load(run);
  try {
    if (state) decodeCheckpoint(state, run);
    return state;
  } catch {
    return undefined;
  }
}
