// OpenAPI 3.1 from the same zod schemas that check requests, and a page to browse it that needs no internet.
import { fileURLToPath } from 'node:url';
import { openapi } from '@elysiajs/openapi';
import { Elysia } from 'elysia';
import { z } from 'zod';
import { NotFoundError } from '../core/errors.ts';
import { VERSION } from '../core/version.ts';

type JsonSchema = { [key: string]: unknown };

/** Returns the JSON schema of a zod schema with all references inlined, since operations stand alone in the document. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const { $defs, $schema: _dialect, ...root } = json;
  return inline(root, ($defs ?? {}) as Record<string, unknown>, []) as JsonSchema;
}

function inline(node: unknown, defs: Record<string, unknown>, path: readonly string[]): unknown {
  if (Array.isArray(node)) return node.map((item) => inline(item, defs, path));
  if (typeof node !== 'object' || node === null) return node;
  const ref = (node as { $ref?: unknown }).$ref;
  if (typeof ref === 'string' && ref.startsWith('#/$defs/')) {
    const name = ref.slice('#/$defs/'.length);
    return path.includes(name)
      ? { description: `${name}, nested` }
      : inline(defs[name], defs, [...path, name]);
  }
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, inline(value, defs, path)]));
}

const ASSETS: Record<string, string> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
};

function page(title: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title} API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/openapi/assets/swagger-ui.css"></head>
<body><div id="ui"></div><script src="/openapi/assets/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({ url: '/openapi/json', dom_id: '#ui', deepLinking: true });</script></body></html>`;
}

/** Returns the plugin that serves `/openapi/json` and the offline page `/openapi`. */
export function openApi(engine: { readonly title: string; readonly description: string }) {
  return new Elysia({ name: 'openapi-kit' })
    .use(
      openapi({
        path: '/openapi',
        specPath: '/openapi/json',
        provider: null,
        documentation: { info: { title: engine.title, version: VERSION, description: engine.description } },
        mapJsonSchema: { zod: jsonSchemaOf },
      }),
    )
    .get(
      '/openapi',
      () => new Response(page(engine.title), { headers: { 'content-type': 'text/html; charset=utf-8' } }),
      { detail: { hide: true } },
    )
    .get(
      '/openapi/assets/:file',
      ({ params }) => {
        const type = ASSETS[params.file];
        if (!type) throw new NotFoundError('No such file');
        const path = fileURLToPath(import.meta.resolve(`swagger-ui-dist/${params.file}`));
        return new Response(Bun.file(path), { headers: { 'content-type': type } });
      },
      { detail: { hide: true } },
    );
}
