// The filter of a hidden Markov model as a graph: densities of all steps at once, then one step after the other.
import type { NodeSpec, TensorSpec } from '../../onnx/graph.ts';
import type { Section } from './clusters.ts';
import { floats, integers, node } from './graph.ts';

/** Parameters as `hmm_fit` returns them. */
export interface HmmParameters {
  readonly states: number;
  readonly columns: number;
  readonly transitions: Float64Array;
  readonly means: Float64Array;
  readonly covariances: Float64Array;
}

// Logarithms of what float32 can't hold would be minus infinity.
const LEAST = 1e-30;

/** Returns the distribution that `transitions` [states, states] keep, the limit from equal probabilities on. */
export function stationary(transitions: Float64Array, states: number): Float64Array {
  let now: Float64Array = new Float64Array(states).fill(1 / states);
  for (let round = 0; round < 100_000; round++) {
    // Half of each step stays: chains that go round would not settle.
    const next = now.map((own, j) => {
      let sum = 0;
      for (let i = 0; i < states; i++) sum += now[i]! * transitions[i * states + j]!;
      return (own + sum) / 2;
    });
    const moved = next.reduce((most, value, j) => Math.max(most, Math.abs(value - now[j]!)), 0);
    now = next;
    if (moved < 1e-15) break;
  }
  const sum = now.reduce((a, b) => a + b, 0);
  return now.map((value) => value / sum);
}

/** Returns the inverse of the lower Cholesky factor of each covariance, and the constant of each log-density. */
function whitening({ states, columns: n, covariances }: HmmParameters) {
  const inverses = new Float64Array(covariances.length);
  const constants = new Float64Array(states);
  for (let k = 0; k < states; k++) {
    const l = covariances.slice(k * n * n, (k + 1) * n * n);
    const inverse = inverses.subarray(k * n * n, (k + 1) * n * n);
    constants[k] = (-n / 2) * Math.log(2 * Math.PI);
    for (let j = 0; j < n; j++) {
      for (let i = j; i < n; i++) {
        let sum = l[i * n + j]!;
        for (let c = 0; c < j; c++) sum -= l[i * n + c]! * l[j * n + c]!;
        l[i * n + j] = i === j ? Math.sqrt(sum) : sum / l[j * n + j]!;
      }
      constants[k]! -= Math.log(l[j * n + j]!);
    }
    for (let column = 0; column < n; column++) {
      for (let i = column; i < n; i++) {
        let sum = i === column ? 1 : 0;
        for (let c = column; c < i; c++) sum -= l[i * n + c]! * inverse[c * n + column]!;
        inverse[i * n + column] = sum / l[i * n + i]!;
      }
    }
  }
  return { inverses, constants };
}

/** Returns what makes `output` [N, states] of `standard` [N, steps x columns]: the filter from the stationary distribution on. */
export function filterSection(model: HmmParameters, steps: number): Section {
  const { states, columns: n, transitions, means } = model;
  const { inverses, constants } = whitening(model);
  const width = states * n;
  const turned = new Float64Array(n * width);
  const offsets = new Float64Array(width);
  const sums = new Float64Array(width * states);
  for (let k = 0; k < states; k++) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        const value = inverses[(k * n + i) * n + j]!;
        turned[j * width + k * n + i] = value;
        offsets[k * n + i]! -= value * means[k * n + j]!;
      }
      sums[(k * n + i) * states + k] = -0.5;
    }
  }
  const log = (value: number) => Math.log(Math.max(value, LEAST));
  const rest = stationary(transitions, states);
  const parts: TensorSpec[] = [
    floats('whitening', turned, [n, width]),
    floats('offsets', offsets, [width]),
    floats('sums', sums, [width, states]),
    floats('constants', constants, [states]),
    floats('rest', rest.map(log), [states]),
    integers('step_shape', [-1, n], [2]),
  ];
  const nodes: NodeSpec[] = [
    node('Reshape', ['standard', 'step_shape'], 'steps'),
    node('Gemm', ['steps', 'whitening', 'offsets'], 'white'),
    node('Mul', ['white', 'white'], 'squares'),
    node('Gemm', ['squares', 'sums', 'constants'], 'densities'),
  ];
  const softmax = (from: string, to: string) => node('Softmax', [from], to, { axis: { int: -1 } });
  if (steps === 1) {
    nodes.push(node('Add', ['densities', 'rest'], 'joint_0'), softmax('joint_0', 'output'));
    return { nodes, constants: parts };
  }
  parts.push(
    integers('window_shape', [-1, steps, states], [3]),
    floats('transitions', transitions, [states, states]),
    floats('least', [LEAST], []),
  );
  nodes.push(node('Reshape', ['densities', 'window_shape'], 'window'));
  for (let t = 0; t < steps; t++) {
    parts.push(integers(`at_${t}`, [t], []));
    nodes.push(node('Gather', ['window', `at_${t}`], `density_${t}`, { axis: { int: 1 } }));
    if (t === 0) nodes.push(node('Add', ['density_0', 'rest'], 'joint_0'));
    else
      nodes.push(
        softmax(`joint_${t - 1}`, `filtered_${t - 1}`),
        node('MatMul', [`filtered_${t - 1}`, 'transitions'], `chance_${t}`),
        node('Max', [`chance_${t}`, 'least'], `held_${t}`),
        node('Log', [`held_${t}`], `predicted_${t}`),
        node('Add', [`predicted_${t}`, `density_${t}`], `joint_${t}`),
      );
  }
  nodes.push(softmax(`joint_${steps - 1}`, 'output'));
  return { nodes, constants: parts };
}
