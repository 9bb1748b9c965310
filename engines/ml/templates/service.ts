// Bodies with a model_type: the template that they name answers them.
import { z } from 'zod';
import { NautilusError } from '../../../src/core/errors.ts';
import { jsonSchemaOf } from '../../../src/http/openapi.ts';
import type { Asked } from '../serving/models.ts';
import { SERVED_TEMPLATES } from './index.ts';
import { inColumns } from './symbols/columns.ts';
import { type SymbolItem, type SymbolsReply, symbolsRequest } from './symbols/schemas.ts';
import {
  cpuOnly,
  type ServedTemplate,
  type TemplateContext,
  type TemplateParts,
  type TemplateRequest,
} from './template.ts';

const BY_TYPE: ReadonlyMap<string, ServedTemplate> = new Map(
  SERVED_TEMPLATES.flatMap((template) => template.modelTypes.map((type) => [type, template] as const)),
);

/** A body of a template, checked. */
export interface TemplateBody {
  readonly template: ServedTemplate;
  readonly body: TemplateRequest;
}

/** Replies of all templates. */
export const templateReply = z.union(
  SERVED_TEMPLATES.map(({ reply }) => reply) as [z.ZodType, ...z.ZodType[]],
);

/** Whether a checked body of {@link eitherBody} is one of a template. */
export function isTemplateBody(body: unknown): body is TemplateBody {
  return typeof body === 'object' && body !== null && 'template' in body;
}

/**
 * Returns the schema of a route that takes `plain` bodies and those of templates: a body with `model_type` is that template's, and
 * an unknown type is refused with the list of those there are. With `list` a body may be a list too. The JSON schema shows all of them.
 */
export function eitherBody<T>(plain: z.ZodType<T>): z.ZodType<T | TemplateBody>;
export function eitherBody<T, L>(plain: z.ZodType<T>, list: z.ZodType<L>): z.ZodType<T | L | TemplateBody>;
export function eitherBody(plain: z.ZodType, list?: z.ZodType): z.ZodType {
  const lists = list ? [list] : [];
  const oneOf = [plain, ...SERVED_TEMPLATES.map(({ request }) => request), ...lists].map(jsonSchemaOf);
  return z
    .unknown()
    .transform((body, context) => {
      const type = typeOf(body);
      const template = type === undefined ? null : BY_TYPE.get(type as string);
      if (template === undefined) {
        const message = `Expected one of ${[...BY_TYPE.keys()].join(', ')}`;
        context.addIssue({ code: 'custom', path: ['model_type'], message });
        return z.NEVER;
      }
      const schema = list && Array.isArray(body) ? list : (template?.request ?? plain);
      const checked = schema.safeParse(body);
      if (checked.success) return template ? { template, body: checked.data } : checked.data;
      for (const issue of checked.error.issues) context.issues.push({ ...issue, input: body } as never);
      return z.NEVER;
    })
    .meta({ oneOf });
}

function typeOf(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined;
  return (body as { model_type?: unknown }).model_type;
}

/** Answers bodies of templates. */
export class Templates {
  readonly #parts: TemplateParts;

  constructor(parts: TemplateParts) {
    this.#parts = parts;
  }

  /** Returns the reply of a template. Throws what it throws. */
  async answer({ template, body }: TemplateBody, asked: Asked, signal: AbortSignal): Promise<object> {
    const started = performance.now();
    const reply = await template.predict(body, this.#context(body, asked, signal));
    return { ...reply, processing_time_ms: Math.round((performance.now() - started) * 1000) / 1000 };
  }

  /** Returns the predictions of a list of symbols, in its order, each within `timeoutMs` (default: of the engine). Throws what the template throws. */
  async answerList(items: readonly SymbolItem[], signal: AbortSignal, timeoutMs?: number): Promise<object[]> {
    const limit = timeoutMs === undefined ? {} : { timeout_ms: Math.ceil(timeoutMs) };
    return Promise.all(
      items.map(async ({ symbol, ...item }, index) => {
        const body = symbolsRequest.parse({
          ...item,
          ...limit,
          symbols: [symbol],
          features: inColumns(item.features),
        });
        const template = BY_TYPE.get(body.model_type)!;
        const answered = this.answer({ template, body }, 'auto', signal);
        const { predictions, ...reply } = (await answered.catch((error) => {
          throw ofEntry(error, index);
        })) as SymbolsReply;
        return { ...reply, symbol, ...predictions[symbol] };
      }),
    );
  }

  #context(
    { allow_fallback: allowFallback, timeout_ms }: TemplateRequest,
    asked: Asked,
    signal: AbortSignal,
  ): TemplateContext {
    const { serving } = this.#parts;
    const wanted = { asked, allowFallback: asked === 'auto' || allowFallback };
    const control = serving.timer(timeout_ms, signal);
    return {
      ...this.#parts,
      ...wanted,
      control,
      signal,
      model: (reference) => serving.model(reference, wanted, control()),
      run: (model_id, inputs) => {
        const timeout = { timeout_ms: control().timeoutMs };
        return serving.predict({ model_id, inputs: inputs as number[][], ...timeout }, signal, wanted);
      },
      onCpu: cpuOnly(asked, allowFallback),
    };
  }
}

/** Returns what is wrong with one entry of a list, with its places in the list; other errors as they are. */
function ofEntry(error: unknown, index: number): unknown {
  if (!(error instanceof NautilusError) || ![404, 422].includes(error.status)) return error;
  const { slug, status, title, message, extras } = error;
  const errors = extras.errors?.map(({ pointer, ...field }) => ({
    ...field,
    pointer: `/${index}${pointer.replace(/^\/symbols\/0$/, '/symbol')}`,
  }));
  const detail = `${message} (entry ${index} of the list)`;
  return new NautilusError(slug, status, title, detail, { ...extras, ...(errors && { errors }) });
}
