// Names in the query of a request: a route that does not know one refuses it, where a mistyped name would else change nothing without a word.
import type { InternalRoute } from 'elysia';
import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { type InvalidOptionError, InvariantError } from '../core/errors.ts';
import { invalidFields } from '../core/field-errors.ts';

/** Probes and browsers add names of their own to what these routes are asked with. */
const OPEN_PATHS = ['/health', '/ready', '/metrics'];
const OPEN_TAG = 'page';
/** Names that are told; others may be anything, also a secret in the wrong place. */
const TOLD = /^[A-Za-z]\w{0,31}$/;
const MAX_TOLD = 8;

/** Knows the names that each route takes. */
export class QueryNames {
  readonly #byRoute = new Map<string, readonly string[]>();

  /** `rawBodies` are patterns of routes that read request and query themselves. Throws InvariantError for a query that is no object of fields. */
  constructor(
    routes: readonly Pick<InternalRoute, 'method' | 'path' | 'hooks'>[],
    rawBodies: readonly string[],
  ) {
    for (const { method, path, hooks } of routes) {
      const { query, detail } = hooks ?? {};
      const isOpen =
        OPEN_PATHS.includes(path) || detail?.hide === true || detail?.tags?.includes(OPEN_TAG) === true;
      if (query !== undefined) this.#byRoute.set(`${method} ${path}`, namesOf(query, path));
      else if (!isOpen && !rawBodies.includes(path)) this.#byRoute.set(`${method} ${path}`, []);
    }
  }

  /** Throws InvalidOptionError with the names that the route of a request does not know, each with those that it knows. */
  check({ method, url }: Pick<Request, 'method' | 'url'>, route: string): void {
    const at = url.indexOf('?');
    if (at < 0) return;
    const known = this.#byRoute.get(`${method === 'HEAD' ? 'GET' : method} ${route}`);
    if (!known) return;
    const unknown = [...new Set(new URLSearchParams(url.slice(at)).keys())].filter(
      (name) => !known.includes(name),
    );
    if (unknown.length > 0) throw refusal(unknown, known);
  }
}

function refusal(unknown: readonly string[], known: readonly string[]): InvalidOptionError {
  const errors = unknown.slice(0, MAX_TOLD).map((name) => ({
    pointer: TOLD.test(name) ? `query/${name}` : 'query',
    expected: known.length === 0 ? 'no parameters' : `one of ${known.join(', ')}${hint(name, known)}`,
  }));
  return invalidFields(errors);
}

function hint(name: string, known: readonly string[]): string {
  // The unit at the end is often what is left out: `form` is nearer to `from_us` than to `view`.
  const bare = known.map((one) => one.replace(/_(?:us|ms|s)$/, ''));
  const all = [...known, ...bare];
  const nearest = closest(name, all);
  if (distance(name, nearest) > nearest.length / 2) return '';
  return ` (nearest: ${known[all.indexOf(nearest) % known.length]})`;
}

function namesOf(query: unknown, path: string): string[] {
  const schema = query instanceof z.ZodPipe ? query.in : query;
  if (!(schema instanceof z.ZodObject)) throw new InvariantError(`the query of ${path} is no object`);
  return Object.keys(schema.shape);
}
