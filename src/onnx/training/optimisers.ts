// Optimisers as nodes of a graph: parameters, moments and gradients are one flat vector each, so a step is a dozen nodes for any network.
import { mul, sub } from '../autodiff/ops.ts';
import type { Tensor } from '../autodiff/tape.ts';

/** How parameters follow their gradients. */
export type Optimiser =
  | {
      /** `adam` adds weight decay to the gradient, `adamw` takes it off the parameters. */
      readonly kind: 'adam' | 'adamw';
      /** Memory of the mean gradient, in [0, 1). */
      readonly beta1: number;
      /** Memory of the mean squared gradient, in [0, 1). */
      readonly beta2: number;
      readonly epsilon: number;
      /** At least 0. */
      readonly weightDecay: number;
    }
  | {
      readonly kind: 'sgd';
      /** In [0, 1). */
      readonly momentum: number;
      /** At least 0. */
      readonly weightDecay: number;
    };

/** Returns how many vectors beside the parameters an optimiser carries from step to step. */
export function momentCount(optimiser: Optimiser): number {
  return optimiser.kind === 'sgd' ? 1 : 2;
}

/** Numbers that {@link controlsOf} gives for each step. */
export const CONTROLS = 3;

/**
 * Returns what the graph needs to know of step `step` (from 0) at a learning rate: its factor, epsilon, and what is left of
 * decayed parameters. Corrections of the moments' start are in them; they are taken in float64.
 */
export function controlsOf(optimiser: Optimiser, rate: number, step: number): readonly number[] {
  if (optimiser.kind === 'sgd') return [rate, 0, 1];
  const first = 1 - optimiser.beta1 ** (step + 1);
  const second = Math.sqrt(1 - optimiser.beta2 ** (step + 1));
  const left = optimiser.kind === 'adamw' ? 1 - rate * optimiser.weightDecay : 1;
  return [(rate * second) / first, optimiser.epsilon * second, left];
}

/** The vectors that a step carries on. */
export interface OptimiserState {
  readonly parameters: Tensor;
  readonly moments: readonly Tensor[];
}

/**
 * Returns the state after one step along `gradient`. `controls` are the scalars of {@link controlsOf}, each [1]. Sources:
 * Kingma and Ba, "Adam" (2015); Loshchilov and Hutter, "Decoupled weight decay regularization" (2019); the formulas are
 * those of PyTorch, in which momentum starts from the first gradient.
 */
export function applyOptimiser(
  optimiser: Optimiser,
  state: OptimiserState,
  gradient: Tensor,
  controls: readonly Tensor[],
): OptimiserState {
  const { parameters } = state;
  const { tape } = parameters;
  const scaled = (x: Tensor, factor: number) => mul(x, tape.scalar(factor));
  const plus = (a: Tensor, b: Tensor) => tape.emit('Add', [a, b], a.shape);
  const [rate, epsilon, left] = controls as [Tensor, Tensor, Tensor];
  const decays = optimiser.kind !== 'adamw' && optimiser.weightDecay > 0;
  const g = decays ? plus(gradient, scaled(parameters, optimiser.weightDecay)) : gradient;
  if (optimiser.kind === 'sgd') {
    const momentum = plus(scaled(state.moments[0]!, optimiser.momentum), g);
    return { parameters: sub(parameters, mul(momentum, rate)), moments: [momentum] };
  }
  const { beta1, beta2 } = optimiser;
  const mean = plus(scaled(state.moments[0]!, beta1), scaled(g, 1 - beta1));
  const square = plus(scaled(state.moments[1]!, beta2), scaled(mul(g, g), 1 - beta2));
  const root = plus(tape.emit('Sqrt', [square], square.shape), epsilon);
  const kept = optimiser.kind === 'adamw' && optimiser.weightDecay > 0 ? mul(parameters, left) : parameters;
  const step = tape.emit('Div', [mul(mean, rate), root], kept.shape);
  return { parameters: sub(kept, step), moments: [mean, square] };
}

/** Returns `gradient` shortened to the length `limit` where it is longer: Pascanu et al. (2013). */
export function clipNorm(gradient: Tensor, limit: number): Tensor {
  const { tape } = gradient;
  const squares = tape.emit('ReduceSumSquare', [gradient], [], { keepdims: { int: 0 } });
  // A limit of float32's smallest normal number keeps a gradient of zeros from dividing by zero.
  const length = tape.emit('Max', [tape.emit('Sqrt', [squares], []), tape.scalar(1e-38)], []);
  const factor = tape.emit('Div', [tape.scalar(limit), length], []);
  return mul(gradient, tape.emit('Min', [tape.scalar(1), factor], []));
}
