// The page of routes: verb, path, what it takes and what it does, for each engine.
import { cell, type JsonSchema } from './schema-text.ts';

interface Operation {
  readonly summary?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
  }[];
  readonly requestBody?: { readonly content?: Readonly<Record<string, { readonly schema?: JsonSchema }>> };
}

/** The part of an OpenAPI document that the page reads. */
export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** One engine as it describes itself. */
export interface EngineDocument {
  readonly name: string;
  readonly port: number;
  readonly title: string;
  readonly description: string;
  readonly openApi: OpenApi;
  /** Path of its WebSocket endpoint, which no OpenAPI document can hold. */
  readonly socket: string | null;
  /** Names of topics. */
  readonly consumes: readonly string[];
  readonly emits: readonly string[];
}

const SYSTEM = ['/health', '/ready', '/metrics', '/system/status', '/hardware', '/hardware/utilization'];
const ASSETS = /^\/openapi\b/;

const INTRO = `
# Routes

What each engine answers, from its OpenAPI 3.1 document: \`/openapi/json\` has the whole schemas with units and ranges,
\`/openapi\` is a page to browse them that needs no internet. Bodies are JSON; \`*\` marks what a request must give, and unknown
members and names in the query are refused. Errors are problem documents: [errors.md](errors.md).
`;

/** Returns the page of routes. */
export function routesPage(engines: readonly EngineDocument[]): string {
  const shared = engines.flatMap((engine) => rowsOf(engine, (path) => SYSTEM.includes(path)));
  const sections = engines.flatMap((engine) => [
    `## ${engine.name} (port ${engine.port})`,
    '',
    `${engine.description} More: ${more(engine.name)}.`,
    '',
    ...table([
      ...rowsOf(engine, (path) => !SYSTEM.includes(path) && !ASSETS.test(path)),
      ...socketRow(engine),
    ]),
  ]);
  const lines = [INTRO.trimEnd(), '', '## Every engine', '', ...table([...new Set(shared)]), ...sections];
  return `${lines.join('\n').trimEnd()}\n`;
}

function more(name: string): string {
  return `[engines/${name}.md](engines/${name}.md)`;
}

function table(rows: readonly string[]): string[] {
  return ['| route | takes | does |', '|---|---|---|', ...rows, ''];
}

function rowsOf({ openApi }: EngineDocument, chosen: (path: string) => boolean): string[] {
  return Object.entries(openApi.paths)
    .filter(([path]) => chosen(path))
    .flatMap(([path, verbs]) => Object.entries(verbs).map(([verb, op]) => rowOf(verb, path, op)));
}

function rowOf(verb: string, path: string, operation: Operation): string {
  const summary = cell(operation.summary ?? '');
  return `| \`${verb.toUpperCase()} ${path}\` | ${takes(operation)} | ${summary} |`;
}

function socketRow({ socket }: EngineDocument): string[] {
  return socket === null
    ? []
    : [`| \`${socket}\` | [frames](websocket.md) | WebSocket: the stream of every topic |`];
}

function takes({ parameters = [], requestBody }: Operation): string {
  const query = parameters.filter((p) => p.in === 'query').map((p) => mark(p.name, p.required === true));
  const schema = requestBody?.content?.['application/json']?.schema ?? {};
  // Of several forms the first is the ordinary one; the others are of the types that they name.
  const { properties = {}, required = [] } = schema.oneOf?.[0] ?? schema;
  const body = Object.keys(properties).map((name) => mark(name, required.includes(name)));
  const parts = [
    ...(query.length > 0 ? [`query: ${query.join(', ')}`] : []),
    ...(body.length > 0
      ? [`body: ${body.join(', ')}${schema.oneOf ? ', or that of a `model_type`' : ''}`]
      : []),
  ];
  return parts.join('; ');
}

function mark(name: string, required: boolean): string {
  return `\`${name}\`${required ? '*' : ''}`;
}
