// JSON schemas in words, short enough for a cell of a table.

/** The part of JSON Schema that the schemas of this project use. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly required?: readonly string[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
}

/** Returns a schema in words: `integer, 0 or more`, `decimal text or null`, `list of {symbol, quantity}`. */
export function schemaText(schema: JsonSchema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(', ');
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return [...new Set(choices.map(schemaText))].join(' or ');
  if (Array.isArray(schema.type)) {
    return schema.type.map((type: string) => schemaText({ ...schema, type })).join(' or ');
  }
  switch (schema.type) {
    case 'string':
      return textText(schema);
    case 'integer':
    case 'number':
      return `${schema.type}${rangeText(schema)}`;
    case 'array':
      return `list of ${schemaText(schema.items ?? {})}`;
    case 'object':
      return objectText(schema);
    default:
      return typeof schema.type === 'string' ? schema.type : 'any JSON';
  }
}

function textText({ pattern, maxLength }: JsonSchema): string {
  if (pattern?.includes('\\d+')) return 'decimal text';
  return maxLength === undefined ? 'text' : `text of at most ${maxLength} characters`;
}

// zod bounds every integer by what a number holds exactly, which tells a reader nothing.
function rangeText({ minimum, maximum, exclusiveMinimum }: JsonSchema): string {
  const low = minimum === undefined || minimum <= Number.MIN_SAFE_INTEGER ? undefined : minimum;
  const high = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (exclusiveMinimum !== undefined) return `, above ${exclusiveMinimum}`;
  if (low !== undefined && high !== undefined) return `, ${low} to ${high}`;
  if (low !== undefined) return `, ${low} or more`;
  return high === undefined ? '' : `, at most ${high}`;
}

function objectText({ properties, additionalProperties }: JsonSchema): string {
  const names = Object.keys(properties ?? {});
  if (names.length > 0) return `{${names.join(', ')}}`;
  if (typeof additionalProperties !== 'object') return 'object';
  return `map of text to ${schemaText(additionalProperties)}`;
}

/** Returns `text` as it may stand in a cell of a Markdown table. */
export function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
