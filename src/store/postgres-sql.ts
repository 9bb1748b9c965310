// How statements and values of the database port travel to Postgres and back. Connections live in postgres-link.ts.
import { InvariantError } from '../core/errors.ts';
import type { SqlValue } from './database.ts';
import { checkedValues } from './values.ts';

/** A statement with the numbers of its parameters. A name lets Postgres keep it parsed on a connection. */
export interface Statement {
  readonly text: string;
  readonly name: string | undefined;
}

/** A value as the protocol sends it. */
export type Wire = string | Buffer | null;

/** Statements that are kept parsed; a program has far fewer texts. */
const MOST_NAMED = 1000;

const QUOTED = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\?/g;

/** Returns `sql` with `$1`, `$2`, ... for each `?` outside of quotes and comments. */
export function numbered(sql: string): string {
  let count = 0;
  return sql.replace(QUOTED, (found) => (found === '?' ? `$${++count}` : found));
}

/** The statements of one program: the same text always gives the same statement. */
export class Statements {
  readonly #known = new Map<string, Statement>();

  of(sql: string): Statement {
    const known = this.#known.get(sql);
    if (known) return known;
    const named = this.#known.size < MOST_NAMED;
    const made = { text: numbered(sql), name: named ? `n${this.#known.size + 1}` : undefined };
    if (named) this.#known.set(sql, made);
    return made;
  }
}

/**
 * Returns `values` as Postgres reads them. A number beyond 2^53 goes as `1e+20`, which a BIGINT refuses and a DOUBLE PRECISION
 * takes as it is: a rounded integer is never stored. Throws as {@link checkedValues}.
 */
export function wired(values: readonly SqlValue[]): Wire[] {
  return checkedValues(values).map((value) => {
    if (typeof value === 'string' || value === null) return value;
    if (typeof value !== 'number') return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return Math.abs(value) > 2 ** 53 ? value.toExponential() : `${value}`;
  });
}

/** Returns an integer or a sum of integers; throws {@link InvariantError} for one that a number does not hold exactly. */
function integer(text: string): number {
  const value = Number(text);
  if (Math.abs(value) > 2 ** 53 || (Number.isInteger(value) && `${value}` !== text.replace(/\.0+$/, ''))) {
    throw new InvariantError('the database holds an integer beyond 2^53 where a number is read');
  }
  return value;
}

const BYTEA = 17;
const PARSERS: Readonly<Record<number, (text: string) => SqlValue>> = {
  16: (text) => (text === 't' ? 1 : 0),
  [BYTEA]: bytes,
  20: integer,
  21: Number,
  23: Number,
  26: Number,
  700: Number,
  701: Number,
  1700: integer,
};

function bytes(text: string): Uint8Array {
  // Buffers of Node share memory with others; a copy of its own can be handed on.
  return Uint8Array.fromHex(text.slice(2));
}

const asText = (text: string) => text;

/** Types of the port: BIGINT and DOUBLE PRECISION as numbers, BOOLEAN as 0 and 1, BYTEA as bytes, the others as text. */
export const TYPES = {
  getTypeParser: (oid: number) => PARSERS[oid] ?? asText,
};
