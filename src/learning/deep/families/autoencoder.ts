// Networks that give their inputs again through something narrower: what they give badly is unlike what they were fitted on.
import { z } from 'zod';
import { mul, reshape, transpose } from '../../../onnx/autodiff/ops.ts';
import { defineDeep } from '../define.ts';
import { ACTIVATIONS, dense } from '../layers.ts';
import { dropoutOption, sequenceOptions, trainingOptions } from '../options.ts';
import { lastStep, recurrent, timeFirst } from '../sequences.ts';

const latent = z.int().min(1).max(4096).default(4).describe('numbers that a row is pressed into');

const plainOptions = trainingOptions.extend({
  latent,
  hidden: z
    .array(z.int().min(1).max(8192))
    .max(8)
    .default([32])
    .describe('units of the layers before the narrow one; the same in reverse behind it'),
  activation: z.enum(['relu', 'tanh', 'gelu']).default('tanh').describe('of the hidden layers'),
  dropout: dropoutOption,
});

/** Hinton and Salakhutdinov, "Reducing the dimensionality of data with neural networks" (2006), trained as a whole. */
export const autoencoder = defineDeep<z.infer<typeof plainOptions>>({
  name: 'autoencoder',
  title: 'Autoencoder',
  tasks: ['reconstruction'],
  options: plainOptions,
  network: (chosen) => (builder, inputs, width) => {
    const active = ACTIVATIONS[chosen.activation];
    let x = inputs;
    for (const [i, units] of chosen.hidden.entries()) {
      x = builder.dropout(active(dense(builder, `encoder_${i}`, x, units)), chosen.dropout);
    }
    x = dense(builder, 'latent', x, chosen.latent);
    for (const [i, units] of chosen.hidden.toReversed().entries()) {
      x = active(dense(builder, `decoder_${i}`, x, units));
    }
    return dense(builder, 'output', x, width);
  },
});

const sequence = trainingOptions.extend(sequenceOptions.shape).extend({
  latent,
  units: z.int().min(1).max(4096).default(32).describe('units of the reading and of the writing layer'),
});

/**
 * Reads the steps into one state, presses it, and writes the steps again from it: Malhotra et al., "LSTM-based
 * encoder-decoder for multi-sensor anomaly detection" (2016), every step written from the same state.
 */
export const lstmAutoencoder = defineDeep<z.infer<typeof sequence>>({
  name: 'lstm_autoencoder',
  title: 'Autoencoder of sequences',
  tasks: ['reconstruction'],
  options: sequence,
  network:
    ({ steps, latent, units }) =>
    (builder, inputs, width) => {
      const rows = inputs.shape[0]!;
      const read = recurrent(builder, 'reader', 'lstm', timeFirst(inputs, steps), units);
      const pressed = dense(builder, 'latent', lastStep(read), latent);
      const ones = builder.tape.constant([steps, 1, 1], new Float32Array(steps).fill(1));
      const repeated = mul(ones, reshape(pressed, [1, rows, latent]));
      const written = recurrent(builder, 'writer', 'lstm', repeated, units);
      const result = dense(builder, 'output', written, width / steps);
      return reshape(transpose(result, [1, 0, 2]), [rows, width]);
    },
});
