// Layers with their parameters, and how those start.
import { add, conv1d, gelu, linear, relu, tanh } from '../../onnx/autodiff/ops.ts';
import type { Tensor } from '../../onnx/autodiff/tape.ts';
import type { Builder } from '../../onnx/training/network.ts';

/** Activations by name. */
export const ACTIVATIONS = { relu, tanh, gelu } as const;

/** Half-width of the first weights of something with so many inputs: 1 / sqrt(inputs), PyTorch's start of linear layers. */
export const spread = (inputs: number) => ({ uniform: 1 / Math.sqrt(inputs) });

/** Returns a dense layer of `x` [..., k] to [..., width]. */
export function dense(builder: Builder, name: string, x: Tensor, width: number): Tensor {
  const inputs = x.shape.at(-1)!;
  return linear(
    x,
    builder.parameter(`${name}/weight`, [inputs, width], spread(inputs)),
    builder.parameter(`${name}/bias`, [width], spread(inputs)),
  );
}

/** Returns a convolution of x [rows, channels, length] that sees no later element: [rows, width, length]. */
export function causalConvolution(
  builder: Builder,
  name: string,
  x: Tensor,
  options: { readonly width: number; readonly kernel: number; readonly dilation: number },
): Tensor {
  const { width, kernel, dilation } = options;
  const channels = x.shape[1]!;
  const weight = builder.parameter(`${name}/weight`, [width, channels, kernel], spread(channels * kernel));
  const bias = builder.parameter(`${name}/bias`, [width, 1], spread(channels * kernel));
  return add(conv1d(x, weight, { before: dilation * (kernel - 1), dilation }), bias);
}
