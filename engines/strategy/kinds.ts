// Strategy kinds as callers name them: lookup, options with every fault named, the published list.
import { z } from 'zod';
import { InvalidOptionError, NotFoundError } from '../../src/core/errors.ts';
import {
  createStrategy,
  type Strategy,
  type StrategyDefinition,
  type StrategyKind,
  strategyDefinitions,
  strategyKinds,
} from '../../src/trading/strategies.ts';

/**
 * Returns the strategy of this name. Throws NotFoundError that lists the known ones, and InvalidOptionError that names
 * each wrong option (JSON pointers begin with `at`).
 */
export function strategyOf(name: string, options: Readonly<Record<string, unknown>>, at = ''): Strategy {
  if (!(strategyKinds as string[]).includes(name)) {
    throw new NotFoundError(`Unknown strategy: expected one of ${strategyKinds.join(', ')}`);
  }
  try {
    return createStrategy(name as StrategyKind, options);
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error;
    const errors = (error.extras.errors ?? []).map((e) => ({ ...e, pointer: at + e.pointer }));
    const named = errors.map(({ pointer, expected }) => `${pointer}: ${expected}`);
    throw new InvalidOptionError(`${error.message}: ${named.join('; ')}`, errors);
  }
}

/** Returns what `GET /strategies` lists: each kind with the JSON schema of every option. */
export function listStrategies() {
  return strategyKinds.map((id) => {
    const { title, doc, options, readsPrediction } = strategyDefinitions[id] as StrategyDefinition;
    const schema = z.toJSONSchema(options, { io: 'input', unrepresentable: 'any' });
    return {
      id,
      title,
      description: doc,
      features: [...createStrategy(id).features],
      reads_prediction: readsPrediction,
      options: (schema.properties ?? {}) as Record<string, unknown>,
    };
  });
}
