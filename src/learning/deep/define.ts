// Makes a family of one network for regression, classification or reconstruction.
import type { z } from 'zod';
import { InvalidOptionError } from '../../core/errors.ts';
import { type Family, type Task, TRAINING_HARDWARE } from '../family.ts';
import { checkData } from './check-data.ts';
import { fitNetwork, type Network } from './fit.ts';
import type { LossOptions, TrainingOptions } from './options.ts';

/** What makes a family: its options, and the network that they describe. */
export interface DeepDefinition<Options> {
  readonly name: string;
  readonly title: string;
  readonly tasks: readonly Task[];
  readonly options: z.ZodType<Options>;
  /** Returns the network for `columns` inputs. Throws InvalidOptionError for options that don't go together. */
  readonly network: (options: Options, columns: number) => Network;
}

/** A family of one network, which tests compare in its two forms. */
export interface DeepFamily<Options> extends Family<Options>, Pick<DeepDefinition<Options>, 'network'> {}

/** Returns the family of a network. Options with `steps` say that columns are steps x features. */
export function defineDeep<
  Options extends TrainingOptions & Partial<LossOptions> & { readonly steps?: number },
>(definition: DeepDefinition<Options>): DeepFamily<Options> {
  const { name, title, tasks, options: schema } = definition;
  return {
    name,
    title,
    tasks,
    hardware: TRAINING_HARDWARE,
    options: schema,
    network: definition.network,
    async fit(task, data, options, control) {
      checkData(task, tasks, data);
      const { steps } = options;
      const features = steps === undefined ? undefined : featuresOf(data.columns, steps);
      const network = definition.network(options, data.columns);
      return fitNetwork(
        { family: name, task, data, network, options, ...(features === undefined ? {} : { features }) },
        control,
      );
    },
  };
}

/** Returns the features of a step. Throws InvalidOptionError when steps don't divide the columns. */
export function featuresOf(columns: number, steps: number): number {
  if (columns % steps !== 0) {
    throw new InvalidOptionError(`Expected steps that divide the ${columns} columns`, [
      { pointer: '/options/steps', expected: `a divisor of ${columns}` },
    ]);
  }
  return columns / steps;
}
