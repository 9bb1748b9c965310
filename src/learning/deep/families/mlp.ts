// Feed-forward network.
import { z } from 'zod';
import { defineDeep } from '../define.ts';
import { ACTIVATIONS, dense } from '../layers.ts';
import { dropoutOption, lossOptions, trainingOptions } from '../options.ts';

const options = trainingOptions.extend(lossOptions.shape).extend({
  hidden: z
    .array(z.int().min(1).max(8192))
    .min(1)
    .max(16)
    .default([64, 64])
    .describe('units of each hidden layer'),
  activation: z.enum(['relu', 'tanh', 'gelu']).default('relu').describe('of the hidden layers'),
  dropout: dropoutOption,
});

/** Layers of units, each seeing all of the layer before. Rumelhart, Hinton, Williams (1986). */
export const mlp = defineDeep<z.infer<typeof options>>({
  name: 'mlp',
  title: 'Feed-forward network',
  tasks: ['regression', 'classification'],
  options,
  network: (chosen) => (builder, inputs, width) => {
    let x = inputs;
    for (const [i, units] of chosen.hidden.entries()) {
      const active = ACTIVATIONS[chosen.activation](dense(builder, `layer_${i}`, x, units));
      x = builder.dropout(active, chosen.dropout);
    }
    return dense(builder, 'output', x, width);
  },
});
