// How the learning rate goes over a run.

/** A learning-rate schedule; `rate` is the highest rate, above 0. */
export type Schedule =
  | { readonly kind: 'constant'; readonly rate: number }
  /** Rises in a line over the first part `warmUp` of all steps, then falls to 0 along half a cosine. */
  | { readonly kind: 'cosine'; readonly rate: number; readonly warmUp: number }
  /** Multiplied by `factor` after each part `every` of all steps. */
  | { readonly kind: 'step'; readonly rate: number; readonly every: number; readonly factor: number };

/**
 * Returns the learning rate of step `step` (from 0) of `steps`. Source of the cosine: Loshchilov and Hutter, "SGDR" (2017),
 * one cycle.
 */
export function learningRate(schedule: Schedule, step: number, steps: number): number {
  if (schedule.kind === 'constant') return schedule.rate;
  if (schedule.kind === 'step') {
    const drops = Math.floor(step / Math.max(1, Math.round(schedule.every * steps)));
    return schedule.rate * schedule.factor ** drops;
  }
  const rising = Math.round(schedule.warmUp * steps);
  if (step < rising) return (schedule.rate * (step + 1)) / rising;
  const part = (step - rising) / Math.max(1, steps - rising);
  return (schedule.rate * (1 + Math.cos(Math.PI * part))) / 2;
}
