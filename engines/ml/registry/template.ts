// What the published types of models fill in where a definition says only what the model is for.
import { InvalidOptionError } from '../../../src/core/errors.ts';
import type { ModelDefinition } from './schemas.ts';

/**
 * Returns a definition with the family, the options and the defaults of `/train` and `/validate` of its type; as it is where it names a family,
 * brings a file, or is of a type without a template. Throws InvalidOptionError for an architecture that the type does not have, or one beside a family.
 */
export async function withTemplate(definition: ModelDefinition, hasFile: boolean): Promise<ModelDefinition> {
  const { architecture, ...rest } = definition;
  // Loaded with the first use, as all of learning.
  const { templateOfType } = await import('../../../src/learning/templates/definitions.ts');
  const template = templateOfType(definition.model_type);
  if (architecture !== undefined) {
    const known = rest.family !== undefined || hasFile ? {} : (template?.architectures ?? {});
    if (!(architecture in known)) throw refused(Object.keys(known));
  }
  if (!template || rest.family !== undefined || hasFile) return rest;
  const family = architecture === undefined ? template.family : template.architectures![architecture]!;
  return {
    ...rest,
    family,
    options: { ...template.options, ...rest.options },
    configuration: { training: template.training, validation: template.scheme, ...rest.configuration },
  };
}

function refused(names: readonly string[]): InvalidOptionError {
  const expected =
    names.length > 0
      ? `one of ${names.join(', ')}`
      : 'no architecture but with model_type neural_network, without a family or a file';
  return new InvalidOptionError(`Expected ${expected} for /architecture`, [
    { pointer: '/architecture', expected },
  ]);
}
