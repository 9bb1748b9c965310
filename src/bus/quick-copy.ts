// Checked copies of message bodies at the speed of the bus: a schema becomes one function without calls between its parts.
import type { z } from 'zod';
import { InvalidOptionError } from '../core/errors.ts';
import type { Topic } from './topics.ts';

/** Returns the copy that the schema would return, or undefined where it has to be asked. */
export type QuickCopy = (value: unknown) => unknown;

interface Check {
  readonly check: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly value?: number;
  readonly inclusive?: boolean;
  readonly format?: string;
  readonly pattern?: RegExp;
}

interface Definition {
  readonly type: string;
  readonly check?: string;
  readonly format?: string;
  readonly checks?: readonly { readonly _zod: { readonly def: Check } }[];
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly catchall?: unknown;
  readonly innerType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly keyType?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly mode?: string;
  readonly entries?: Readonly<Record<string, string | number>>;
  readonly values?: readonly unknown[];
}

const quickCopies = new Map<z.ZodType, QuickCopy | null>();
const quickChecks = new Map<z.ZodType, QuickCopy | null>();

/**
 * Returns the body as its topic's schema returns it: a copy with the known keys. Throws {@link InvalidOptionError} that
 * names each field that breaks the schema, without its value.
 */
export function checkedCopy<Body>({ name, schema }: Topic<Body>, body: Body): Body {
  const copy = kept(quickCopies, schema, quickCopy)?.(body);
  if (copy !== undefined) return copy as Body;
  const checked = schema.safeParse(body);
  if (checked.success) return checked.data;
  const errors = checked.error.issues.map((i) => ({ pointer: `/${i.path.join('/')}`, expected: i.message }));
  throw new InvalidOptionError(`Refused to publish a malformed message on ${name}`, errors);
}

/**
 * Returns a body that was made for this message alone, with the keys of its schema and no others and with texts that can have no other form: as it is when
 * it passes, since nobody else has it. Throws like {@link checkedCopy}.
 */
export function checkedOwn<Body>(topic: Topic<Body>, body: Body): Body {
  return kept(quickChecks, topic.schema, quickCheck)?.(body) === body ? body : checkedCopy(topic, body);
}

function kept(
  made: Map<z.ZodType, QuickCopy | null>,
  schema: z.ZodType,
  make: (schema: z.ZodType) => QuickCopy | null,
): QuickCopy | null {
  let quick = made.get(schema);
  if (quick === undefined) {
    quick = make(schema);
    made.set(schema, quick);
  }
  return quick;
}

class Unknown extends Error {}

/**
 * Compiles `schema`; null when it has a part that is not known here (the schema itself then checks every body). The
 * function is sure of what it accepts: plain data of the described kinds, copied with the described keys and nothing
 * else, as `schema.safeParse(value).data` would be. Of everything else it answers undefined: the schema decides and names
 * what is wrong.
 */
export function quickCopy(schema: z.ZodType): QuickCopy | null {
  return compiled(schema, true);
}

/**
 * The same check without a copy, for a body of our own making: the function answers with the value itself, or undefined. It looks neither for keys that the
 * schema has not nor into texts: patterns of a thousand decimals cost as much as making them.
 */
export function quickCheck(schema: z.ZodType): QuickCopy | null {
  return compiled(schema, false);
}

function compiled(schema: z.ZodType, copies: boolean): QuickCopy | null {
  const writer = new Writer(copies);
  try {
    const result = writer.copy(schema, 'value');
    const names = writer.patterns.map((_, i) => `pattern${i}`);
    const source = `return (value) => {\n${writer.lines.join('\n')}\nreturn ${result};\n}`;
    // The source holds names and numbers of our own schemas, quoted; no text of a message ever gets here.
    return new Function('isPlain', ...names, source)(isPlain, ...writer.patterns) as QuickCopy;
  } catch (error) {
    if (error instanceof Unknown) return null;
    throw error;
  }
}

function isPlain(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Writes the statements that check; `copy` answers with an expression of the checked copy. */
class Writer {
  readonly lines: string[] = [];
  readonly patterns: RegExp[] = [];
  readonly #copies: boolean;
  #names = 0;

  constructor(copies: boolean) {
    this.#copies = copies;
  }

  copy(schema: z.ZodType, from: string): string {
    const def = schema._zod.def as unknown as Definition;
    switch (def.type) {
      case 'string':
      case 'number':
      case 'boolean':
        this.#scalar(def, from);
        return from;
      case 'enum':
        return this.#oneOf(Object.values(def.entries!), def, from);
      case 'literal':
        return this.#oneOf(def.values!, def, from);
      case 'nullable':
        return this.#nullable(def, from);
      case 'object':
        return this.#object(def, from);
      case 'array':
        return this.#array(def, from);
      case 'record':
        return this.#record(def, from);
      default:
        throw new Unknown(def.type);
    }
  }

  #require(condition: string): void {
    this.lines.push(`if (!(${condition})) return undefined;`);
  }

  #name(): string {
    return `v${this.#names++}`;
  }

  #noChecks(def: Definition): void {
    if (def.check !== undefined || (def.checks?.length ?? 0) > 0) throw new Unknown(`checks of ${def.type}`);
  }

  #scalar(def: Definition, from: string): void {
    this.#require(`typeof ${from} === '${def.type}'`);
    if (def.type === 'number') this.#require(`Number.isFinite(${from})`);
    const own = def.check === undefined ? [] : [def as unknown as Check];
    for (const check of [...own, ...(def.checks ?? []).map((c) => c._zod.def)]) {
      this.#require(this.#condition(check, from));
    }
  }

  #condition(check: Check, from: string): string {
    switch (check.check) {
      case 'min_length':
        return `${from}.length >= ${Number(check.minimum)}`;
      case 'max_length':
        return `${from}.length <= ${Number(check.maximum)}`;
      case 'greater_than':
        return `${from} ${check.inclusive ? '>=' : '>'} ${this.#bound(check)}`;
      case 'less_than':
        return `${from} ${check.inclusive ? '<=' : '<'} ${this.#bound(check)}`;
      case 'number_format':
        if (check.format !== 'safeint') break;
        return `Number.isSafeInteger(${from})`;
      case 'string_format':
        // A pattern with memory of its last match would answer differently each time.
        if (check.format !== 'regex' || !check.pattern || /[gy]/.test(check.pattern.flags)) break;
        if (!this.#copies) return 'true';
        return `pattern${this.patterns.push(check.pattern) - 1}.test(${from})`;
    }
    throw new Unknown(check.check);
  }

  #bound({ value }: Check): string {
    if (typeof value !== 'number' || !Number.isFinite(value)) throw new Unknown('bound');
    return String(value);
  }

  #oneOf(values: readonly unknown[], def: Definition, from: string): string {
    this.#noChecks(def);
    if (!values.every((v) => typeof v === 'string' || typeof v === 'boolean')) throw new Unknown('values');
    this.#require(values.map((v) => `${from} === ${JSON.stringify(v)}`).join(' || ') || 'false');
    return from;
  }

  #nullable(def: Definition, from: string): string {
    this.#noChecks(def);
    if (!this.#copies) {
      this.lines.push(`if (${from} !== null) {`);
      this.copy(def.innerType!, from);
      this.lines.push('}');
      return from;
    }
    const name = this.#name();
    this.lines.push(`let ${name} = null;`, `if (${from} !== null) {`);
    this.lines.push(`${name} = ${this.copy(def.innerType!, from)};`, '}');
    return name;
  }

  #object(def: Definition, from: string): string {
    this.#noChecks(def);
    if (def.catchall !== undefined) throw new Unknown('catchall');
    this.#require(`isPlain(${from})`);
    const parts = Object.entries(def.shape!).map(([key, part]) => {
      if (key === '__proto__') throw new Unknown(key);
      const name = this.#name();
      this.lines.push(`const ${name} = ${from}[${JSON.stringify(key)}];`);
      return `${JSON.stringify(key)}: ${this.copy(part, name)}`;
    });
    if (!this.#copies) return from;
    const name = this.#name();
    this.lines.push(`const ${name} = { ${parts.join(', ')} };`);
    return name;
  }

  #array(def: Definition, from: string): string {
    this.#noChecks(def);
    this.#require(`Array.isArray(${from})`);
    const [copy, item, place] = [this.#name(), this.#name(), this.#name()];
    const begin = this.lines.length;
    const result = this.copy(def.element!, item);
    const steps = this.lines.splice(begin);
    // A list of plain values is copied as a whole, which takes a fraction of the time, and then checked; of others each part is.
    const isWhole = this.#copies && result === item;
    if (this.#copies) this.lines.push(isWhole ? `const ${copy} = [...${from}];` : `const ${copy} = [];`);
    this.lines.push(`for (let ${place} = 0; ${place} < ${isWhole ? copy : from}.length; ${place}++) {`);
    this.lines.push(`const ${item} = ${isWhole ? copy : from}[${place}];`, ...steps);
    if (this.#copies && !isWhole) this.lines.push(`${copy}.push(${result});`);
    this.lines.push('}');
    return this.#copies ? copy : from;
  }

  #record(def: Definition, from: string): string {
    this.#noChecks(def);
    const key = def.keyType!._zod.def as unknown as Definition;
    if (key.type !== 'string' || def.mode === 'loose') throw new Unknown('keys');
    this.#noChecks(key);
    this.#require(`isPlain(${from})`);
    const [copy, name, item] = [this.#name(), this.#name(), this.#name()];
    if (this.#copies) this.lines.push(`const ${copy} = {};`);
    this.lines.push(`for (const ${name} of Object.keys(${from})) {`);
    this.#require(`${name} !== '__proto__'`);
    this.lines.push(`const ${item} = ${from}[${name}];`);
    const value = this.copy(def.valueType!, item);
    if (this.#copies) this.lines.push(`${copy}[${name}] = ${value};`);
    this.lines.push('}');
    return this.#copies ? copy : from;
  }
}
