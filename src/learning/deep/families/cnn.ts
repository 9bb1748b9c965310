// Convolutions over the steps of a row, each reaching twice as far back as the one before.
import { z } from 'zod';
import { concat, mean, relu, reshape, slice, transpose } from '../../../onnx/autodiff/ops.ts';
import { defineDeep } from '../define.ts';
import { causalConvolution, dense } from '../layers.ts';
import { dropoutOption, lossOptions, sequenceOptions, trainingOptions } from '../options.ts';
import { asSteps } from '../sequences.ts';

const options = trainingOptions
  .extend(lossOptions.shape)
  .extend(sequenceOptions.shape)
  .extend({
    channels: z
      .array(z.int().min(1).max(2048))
      .min(1)
      .max(12)
      .default([32, 32])
      .describe('channels of each convolution'),
    kernel: z.int().min(1).max(64).default(3).describe('steps that a convolution joins'),
    dropout: dropoutOption,
  });

/**
 * Dilated causal convolutions (Bai, Kolter, Koltun, 2018), then a line on the last step and on the mean of all.
 */
export const cnn = defineDeep<z.infer<typeof options>>({
  name: 'cnn',
  title: 'Convolutional network',
  tasks: ['regression', 'classification'],
  options,
  network:
    ({ steps, channels, kernel, dropout }) =>
    (builder, inputs, width) => {
      let x = transpose(asSteps(inputs, steps), [0, 2, 1]);
      for (const [i, count] of channels.entries()) {
        const convolved = causalConvolution(builder, `layer_${i}`, x, {
          width: count,
          kernel,
          dilation: 2 ** i,
        });
        x = builder.dropout(relu(convolved), dropout);
      }
      const ends = concat([slice(x, 2, steps - 1, steps), mean(x, [2])], 2);
      const flat = reshape(ends, [inputs.shape[0]!, 2 * x.shape[1]!]);
      return dense(builder, 'output', flat, width);
    },
});
