// Options that all networks share, and how they become a training.
import { z } from 'zod';
import type { RunOptions } from '../../onnx/training/job.ts';
import type { Optimiser } from '../../onnx/training/optimisers.ts';
import type { Schedule } from '../../onnx/training/schedule.ts';

/** Options of training, the same for every family of networks. */
export const trainingOptions = z.strictObject({
  epochs: z.int().min(1).max(100_000).default(100).describe('passes over the training rows'),
  batch_size: z.int().min(1).max(65_536).default(64).describe('rows of a minibatch'),
  optimizer: z.enum(['adam', 'adamw', 'sgd']).default('adamw').describe('how parameters follow gradients'),
  learning_rate: z.number().gt(0).max(10).default(0.001).describe('highest learning rate'),
  schedule: z
    .enum(['constant', 'cosine', 'step'])
    .default('cosine')
    .describe('cosine falls to 0 over the run, step halves the rate after each tenth of it'),
  warm_up: z.number().min(0).max(0.5).default(0.05).describe('part of a cosine run in which the rate rises'),
  momentum: z.number().min(0).lt(1).default(0.9).describe('of sgd'),
  weight_decay: z.number().min(0).max(1).default(0.0001).describe('pull of parameters to 0'),
  clip_norm: z.number().gt(0).max(1e6).default(1).describe('longest gradient of a step'),
  patience: z
    .int()
    .min(1)
    .max(100_000)
    .default(20)
    .describe('epochs without a better validation loss until the run stops'),
  parallel: z
    .boolean()
    .default(false)
    .describe('use all threads of the fit; the last bits then depend on their number'),
});

/** Options of the loss; each family takes those that its tasks need. */
export const lossOptions = z.strictObject({
  loss: z
    .enum(['squared', 'huber'])
    .default('squared')
    .describe('of a regression, on targets divided by their deviation'),
  huber_delta: z.number().gt(0).max(100).default(1).describe('deviations beyond which huber is a line'),
  class_weights: z
    .enum(['none', 'balanced'])
    .default('none')
    .describe('balanced: rows of a rare class count more, so that all classes weigh the same'),
});

/** How long a sequence is: columns are steps x features, the features of one step beside each other, the oldest step first. */
export const sequenceOptions = z.strictObject({
  steps: z.int().min(1).max(10_000).default(16).describe('steps of a row; divides the columns'),
});

export const dropoutOption = z.number().min(0).max(0.9).default(0).describe('part of hidden values left out');

export type TrainingOptions = z.infer<typeof trainingOptions>;
export type LossOptions = z.infer<typeof lossOptions>;

/** Part of a run after which the schedule `step` halves the rate. */
const STEP_EVERY = 0.1;

/** Returns the optimiser that the options name; the memories of Adam are those of its paper. */
export function optimiserOf({ optimizer, momentum, weight_decay }: TrainingOptions): Optimiser {
  if (optimizer === 'sgd') return { kind: 'sgd', momentum, weightDecay: weight_decay };
  return { kind: optimizer, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: weight_decay };
}

/** Returns how the run goes. */
export function runOptionsOf(options: TrainingOptions, seed: number): RunOptions {
  const { learning_rate: rate, warm_up: warmUp } = options;
  const schedules: Record<TrainingOptions['schedule'], Schedule> = {
    constant: { kind: 'constant', rate },
    cosine: { kind: 'cosine', rate, warmUp },
    step: { kind: 'step', rate, every: STEP_EVERY, factor: 0.5 },
  };
  return { epochs: options.epochs, schedule: schedules[options.schedule], patience: options.patience, seed };
}
