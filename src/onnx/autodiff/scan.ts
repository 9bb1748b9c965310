// ONNX's Scan: one small graph run for each step of a sequence.
import type { Tape, Tensor } from './tape.ts';

/** What the body of a scan gives: the states for the next step, and what is stacked over all steps. */
export interface ScanStep {
  readonly states: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

/**
 * Runs `body` over the first axis of `sequences` [steps, ...], which are all of one length, and returns the last states
 * and the stacked outputs [steps, ...]. With `reverse` it starts at the last step; outputs keep the order of the steps.
 * `body` may use every tensor of the graph around it. There is no gradient: whoever calls this records its own way back.
 */
export function scan(
  tape: Tape,
  options: {
    readonly states: readonly Tensor[];
    readonly sequences: readonly Tensor[];
    readonly reverse?: boolean;
  },
  body: (inner: Tape, states: readonly Tensor[], items: readonly Tensor[]) => ScanStep,
): ScanStep {
  const { states, sequences, reverse = false } = options;
  const inner = tape.inner();
  const ins = states.map((state) => inner.input(inner.name('state'), state.shape));
  const items = sequences.map((sequence) => inner.input(inner.name('item'), sequence.shape.slice(1)));
  const made = body(inner, ins, items);
  // A value that leaves by two doors, or is an input itself, needs a node of its own.
  const seen = new Set<Tensor>([...ins, ...items]);
  const leave = (tensor: Tensor) => {
    const own = seen.has(tensor) ? inner.emit('Identity', [tensor], tensor.shape) : tensor;
    seen.add(own);
    return own;
  };
  const step = { states: made.states.map(leave), outputs: made.outputs.map(leave) };
  const steps = sequences[0]!.shape[0]!;
  const backwards = (list: readonly unknown[]) => ({ ints: list.map(() => 1) });
  const results = tape.emitAll(
    'Scan',
    [...states, ...sequences],
    [...step.states.map(({ shape }) => shape), ...step.outputs.map(({ shape }) => [steps, ...shape])],
    {
      body: { graph: inner.graph('step', [...ins, ...items], [...step.states, ...step.outputs]) },
      num_scan_inputs: { int: sequences.length },
      ...(reverse
        ? { scan_input_directions: backwards(items), scan_output_directions: backwards(step.outputs) }
        : {}),
    },
  );
  return { states: results.slice(0, states.length), outputs: results.slice(states.length) };
}
