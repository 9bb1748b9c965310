// What tells one training run from another: a checkpoint belongs to the run that made it.
import { createHash } from 'node:crypto';
import type { TrainingJob } from './job.ts';

/** Returns what tells one run from another: a hash of everything that decides its bits. */
export function fingerprintOf(job: TrainingJob): string {
  const hash = createHash('sha256');
  const { loop, evaluation, initial, data, validation, ...plain } = job;
  hash.update(JSON.stringify([plain, data.rows, validation?.rows]));
  for (const array of [
    loop,
    evaluation,
    initial,
    data.inputs,
    data.targets,
    data.weights,
    validation?.inputs,
    validation?.targets,
    validation?.weights,
  ]) {
    if (array) hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    hash.update('|');
  }
  return hash.digest('hex');
}
