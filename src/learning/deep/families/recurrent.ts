// Recurrent networks: plain, gated and long short-term memory, with a line on their last state.
import { z } from 'zod';
import { defineDeep } from '../define.ts';
import { dense } from '../layers.ts';
import { dropoutOption, lossOptions, sequenceOptions, trainingOptions } from '../options.ts';
import { type Cell, lastStep, recurrent, timeFirst } from '../sequences.ts';

const options = trainingOptions
  .extend(lossOptions.shape)
  .extend(sequenceOptions.shape)
  .extend({
    units: z.int().min(1).max(4096).default(64).describe('units of each layer'),
    layers: z.int().min(1).max(8).default(1).describe('layers, each reading the states of the one before'),
    dropout: dropoutOption,
  });

function family(cell: Cell, title: string) {
  return defineDeep<z.infer<typeof options>>({
    name: cell,
    title,
    tasks: ['regression', 'classification'],
    options,
    network:
      ({ steps, units, layers, dropout }) =>
      (builder, inputs, width) => {
        let states = timeFirst(inputs, steps);
        for (let layer = 0; layer < layers; layer++) {
          const read = layer === 0 ? states : builder.dropout(states, dropout);
          states = recurrent(builder, `layer_${layer}`, cell, read, units);
        }
        return dense(builder, 'output', builder.dropout(lastStep(states), dropout), width);
      },
  });
}

/** Elman, "Finding structure in time" (1990). */
export const rnn = family('rnn', 'Recurrent network');

/** Cho et al. (2014), with the reset gate after the product. */
export const gru = family('gru', 'Gated recurrent network');

/** Hochreiter and Schmidhuber, "Long short-term memory" (1997), with a forget gate. */
export const lstm = family('lstm', 'Long short-term memory');
