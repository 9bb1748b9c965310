// The kernels of an engine over HTTP: one POST route each, its schema from the definition.
import { Elysia } from 'elysia';
import { z } from 'zod';
import { type Kernel, type KernelDef, type OptionSpec, pool } from '../native/index.ts';
import { withDeadline } from './deadline.ts';
import { decodeCall, encodeOutputs, jsonName, renamed } from './kernel-json.ts';

type AnyKernel = Pick<Kernel, 'def'>;

function optionSchema(option: OptionSpec): z.ZodType {
  switch (option.kind) {
    case 'int':
      return z.int().min(option.min).max(option.max);
    case 'number': {
      let schema = z.number();
      if (option.min !== undefined) schema = schema.min(option.min);
      if (option.max !== undefined) schema = schema.max(option.max);
      return schema;
    }
    case 'flag':
      return z.boolean();
    case 'choice':
      return z.enum(option.values as [string, ...string[]]);
    case 'seed':
      return z.int().min(0).max(Number.MAX_SAFE_INTEGER);
  }
}

function describeOption(option: OptionSpec): string {
  const unit = 'unit' in option && option.unit ? `in ${option.unit}` : '';
  const value = option.default === undefined ? '' : `default ${option.default}`;
  return [option.about, unit, value].filter(Boolean).join('; ');
}

/** Returns the schema of the body of a kernel's route. The elements of arrays are checked when they are read. */
export function bodySchema(def: KernelDef) {
  const shape: Record<string, z.ZodType> = {};
  const inputs = Object.values(def.arrays).filter(({ role }) => role !== 'output' && role !== 'wanted');
  for (const [name, { about, min = 0, max = 2 ** 31 - 1, default: absent }] of Object.entries(def.sizes)) {
    const told = inputs.some(
      ({ dims, role }) => role !== 'optional' && dims.some((dim) => String(dim).startsWith(name)),
    );
    const size = z
      .int()
      .min(min)
      .max(max)
      .describe(told ? `${about}; read off the arrays when absent` : about);
    shape[jsonName(name)] = told || absent !== undefined ? size.optional() : size;
  }
  for (const [name, option] of Object.entries(def.options)) {
    const schema = optionSchema(option).describe(describeOption(option));
    shape[jsonName(name)] = option.default === undefined ? schema : schema.optional();
  }
  const wanted: string[] = [];
  for (const [name, { role, dims, about }] of Object.entries(def.arrays)) {
    if (role === 'wanted') wanted.push(jsonName(name));
    if (role === 'output' || role === 'wanted') continue;
    const text = [
      about,
      `[${dims.map((dim) => jsonName(String(dim))).join(', ')}], nested arrays; null is NaN`,
    ];
    const schema = z.array(z.unknown()).describe(text.filter(Boolean).join('; '));
    shape[jsonName(name)] = role === 'optional' ? schema.optional() : schema;
  }
  if (wanted.length > 0) {
    shape.want = z
      .array(z.enum(wanted as [string, ...string[]]))
      .optional()
      .describe('outputs to add to the reply');
  }
  shape.dtype = z
    .enum(def.dtypes as [string, ...string[]])
    .optional()
    .describe(`element type; default ${def.dtypes[0]}`);
  shape.backend = z.enum(['auto', 'cpu', 'metal']).optional().describe('default auto');
  return z.strictObject(shape).describe(def.about);
}

const reply = z.object({
  kernel: z.string(),
  outputs: z
    .record(z.string(), z.unknown())
    .describe('each array nested by its shape; null where there is no number'),
  processing_time_ms: z.number(),
  hardware_used: z.string().describe('cpu or metal'),
  backend: z.string().describe('instruction set or library that ran it'),
});

const listReply = z.object({
  kernels: z.array(
    z.object({
      id: z.string(),
      family: z.string(),
      title: z.string(),
      about: z.string(),
      path: z.string(),
      dtypes: z.array(z.string()),
      complexity: z.string(),
      source: z.string(),
    }),
  ),
});

async function run(kernel: AnyKernel, body: Readonly<Record<string, unknown>>, timeoutMs: number) {
  const { def } = kernel;
  const began = performance.now();
  const memory = pool.scope();
  try {
    const call = decodeCall(def, body, memory);
    const result = await withDeadline(
      def.id,
      timeoutMs,
      (signal) =>
        (kernel as Kernel).auto(call as never, signal) as unknown as Promise<Record<string, unknown>>,
    );
    return {
      kernel: def.id,
      outputs: encodeOutputs(def, call, result),
      processing_time_ms: performance.now() - began,
      hardware_used: String(result.backend),
      backend: String(result.target),
    };
  } catch (error) {
    throw renamed(error);
  } finally {
    memory.release();
  }
}

/**
 * Returns the routes of some kernels: `GET /kernels` lists them, `POST /kernels/<id>` runs one. Work that is not done after
 * `timeoutMs` is stopped and answered with 504.
 */
export function kernelRoutes(name: string, kernels: readonly AnyKernel[], timeoutMs: number) {
  const path = (def: KernelDef) => `/kernels/${def.id}`;
  const list = {
    kernels: kernels.map(({ def }) => {
      const { id, family, title, about, dtypes, complexity, source } = def;
      return { id, family, title, about, path: path(def), dtypes: [...dtypes], complexity, source };
    }),
  };
  const routes = new Elysia({ name: `${name}-kernels` }).get('/kernels', () => list, {
    response: { 200: listReply },
    detail: { summary: 'Kernels that this engine runs on request', tags: ['kernels'] },
  });
  for (const kernel of kernels) {
    routes.post(path(kernel.def), ({ body }) => run(kernel, body as Record<string, unknown>, timeoutMs), {
      body: bodySchema(kernel.def),
      response: { 200: reply },
      detail: { summary: kernel.def.title, description: kernel.def.about, tags: ['kernels'] },
    });
  }
  return routes;
}
