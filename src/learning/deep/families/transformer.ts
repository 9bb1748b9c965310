// Transformer encoder over the steps of a row, with a line on its last step.
import { z } from 'zod';
import { add, attention, gelu, layerNorm, reshape, slice } from '../../../onnx/autodiff/ops.ts';
import type { Tensor } from '../../../onnx/autodiff/tape.ts';
import type { Builder } from '../../../onnx/training/network.ts';
import { defineDeep } from '../define.ts';
import { dense, spread } from '../layers.ts';
import { dropoutOption, lossOptions, sequenceOptions, trainingOptions } from '../options.ts';
import { asSteps } from '../sequences.ts';

const options = trainingOptions
  .extend(lossOptions.shape)
  .extend(sequenceOptions.shape)
  .extend({
    width: z.int().min(1).max(4096).default(64).describe('width of a step inside; a multiple of the heads'),
    heads: z.int().min(1).max(64).default(4).describe('heads of attention'),
    layers: z.int().min(1).max(16).default(2).describe('blocks of attention and a feed-forward part'),
    dropout: dropoutOption,
  })
  .refine(({ width, heads }) => width % heads === 0, {
    path: ['heads'],
    message: 'Expected heads that divide the width',
  });

/** Deviation of the first positions: small beside the steps themselves. */
const POSITION_START = { normal: 0.02 };

function normalised(builder: Builder, name: string, x: Tensor): Tensor {
  const width = x.shape.at(-1)!;
  return layerNorm(
    x,
    builder.parameter(`${name}/gain`, [width], { constant: 1 }),
    builder.parameter(`${name}/bias`, [width], { constant: 0 }),
  );
}

function attentionBlock(builder: Builder, name: string, x: Tensor, heads: number, dropout: number): Tensor {
  const width = x.shape.at(-1)!;
  const zero = { constant: 0 };
  const attended = attention(
    normalised(builder, `${name}/norm`, x),
    {
      input: builder.parameter(`${name}/input`, [width, 3 * width], spread(width)),
      inputBias: builder.parameter(`${name}/input_bias`, [3 * width], zero),
      output: builder.parameter(`${name}/output`, [width, width], spread(width)),
      outputBias: builder.parameter(`${name}/output_bias`, [width], zero),
    },
    heads,
  );
  return add(x, builder.dropout(attended, dropout));
}

function forwardBlock(builder: Builder, name: string, x: Tensor, dropout: number): Tensor {
  const width = x.shape.at(-1)!;
  const wide = gelu(dense(builder, `${name}/wide`, normalised(builder, `${name}/norm`, x), 4 * width));
  return add(x, builder.dropout(dense(builder, `${name}/narrow`, wide, width), dropout));
}

/**
 * Vaswani et al., "Attention is all you need" (2017), norms before each part as in Xiong et al. (2020), learnt positions.
 * Every step sees every other: a row holds nothing but the past.
 */
export const transformer = defineDeep<z.infer<typeof options>>({
  name: 'transformer',
  title: 'Transformer',
  tasks: ['regression', 'classification'],
  options,
  network:
    ({ steps, width, heads, layers, dropout }) =>
    (builder, inputs, outputs) => {
      const embedded = dense(builder, 'embedding', asSteps(inputs, steps), width);
      let x = add(embedded, builder.parameter('positions', [steps, width], POSITION_START));
      for (let layer = 0; layer < layers; layer++) {
        x = attentionBlock(builder, `layer_${layer}/attention`, x, heads, dropout);
        x = forwardBlock(builder, `layer_${layer}/forward`, x, dropout);
      }
      const last = reshape(slice(x, 1, steps - 1, steps), [inputs.shape[0]!, width]);
      return dense(builder, 'output', normalised(builder, 'norm', last), outputs);
    },
});
