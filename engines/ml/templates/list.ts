// GET /templates: every published type, what it learns by default, and the body that it answers.
import { Elysia } from 'elysia';
import { z } from 'zod';
import { jsonSchemaOf } from '../../../src/http/openapi.ts';
import { TASKS } from '../../../src/learning/family.ts';
import { SERVED_TEMPLATES } from './index.ts';

const json = z.record(z.string(), z.unknown());

export const templateList = z.object({
  templates: z.array(
    z.object({
      model_type: z.string(),
      title: z.string().nullable().describe('null for types that are answered without a training'),
      task: z.enum(TASKS).nullable(),
      family: z.string().nullable().describe('family that trains it unless its model names another'),
      options: json.nullable(),
      architectures: z.record(z.string(), z.string()).nullable().describe('family of each architecture'),
      training: json.nullable().describe('features, target and steps where a training leaves them out'),
      validation: json.nullable().describe('splits of a validation that names none'),
      inputs: z.string().nullable(),
      horizon: z.string().nullable(),
      reply: z.string().nullable().describe('what the reply says of the numbers of the model'),
      generic_models: z.array(z.string()).describe('models that answer for any symbol'),
      request: json.describe('JSON schema of the body of /predict'),
    }),
  ),
});

/** Returns the route of templates. */
export function templateRoutes() {
  return new Elysia({ name: 'ml-templates' }).get('/templates', () => listed(), {
    response: { 200: templateList },
    detail: {
      summary: 'Published types of models: defaults of their training, and their bodies',
      tags: ['models'],
    },
  });
}

async function listed(): Promise<z.input<typeof templateList>> {
  // Loaded with the first use, as all of learning.
  const [{ templateOfType }, { GENERIC_HORIZONS, GENERIC_TYPES, genericId }] = await Promise.all([
    import('../../../src/learning/templates/definitions.ts'),
    import('../../../src/learning/templates/generic.ts'),
  ]);
  const templates = SERVED_TEMPLATES.flatMap(({ modelTypes, request }) => {
    const schema = jsonSchemaOf(request);
    return modelTypes.map((model_type) => {
      const known = templateOfType(model_type);
      const generic = GENERIC_TYPES.find((type) => type === model_type);
      return {
        model_type,
        title: known?.title ?? null,
        task: known?.task ?? null,
        family: known?.family ?? null,
        options: known ? { ...known.options } : null,
        architectures: known?.architectures ? { ...known.architectures } : null,
        training: known ? { ...known.training } : null,
        validation: known ? { ...known.scheme } : null,
        inputs: known?.inputs ?? null,
        horizon: known?.horizon ?? null,
        reply: known?.reply ?? null,
        generic_models: generic
          ? Object.keys(GENERIC_HORIZONS).map((horizon) => genericId(generic, horizon))
          : [],
        request: schema,
      };
    });
  });
  return { templates };
}
