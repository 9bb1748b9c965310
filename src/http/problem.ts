// Errors as RFC 9457 problem documents: one place maps everything that can go wrong to a status and a type.
import type { z } from 'zod';
import type { InvalidOptionError } from '../core/errors.ts';
import { InvariantError, MalformedBodyError, NautilusError, NotFoundError } from '../core/errors.ts';
import { fieldErrors, type Issue, invalidFields } from '../core/field-errors.ts';

/** Media type of RFC 9457. */
export const PROBLEM_TYPE = 'application/problem+json';

interface ElysiaFailure {
  readonly code: string | number;
  readonly error: unknown;
  readonly request: Request;
}

interface Standard {
  readonly '~standard': { validate(value: unknown): object };
}

/** What the framework throws when a schema refuses a part of a request. */
interface Refused {
  readonly type?: string;
  readonly validator?: Standard | { readonly schema: Standard };
  readonly value?: unknown;
}

/** Returns the NautilusError that stands for whatever Elysia caught. Unknown errors become `internal`, without detail. */
export function toNautilusError({ code, error, request }: ElysiaFailure): NautilusError {
  if (error instanceof NautilusError) return error;
  if (code === 'VALIDATION') return validationError(error as Refused);
  if (code === 'PARSE') {
    const cause = (error as Error).cause;
    return cause instanceof NautilusError ? cause : new MalformedBodyError();
  }
  if (code === 'NOT_FOUND') return new NotFoundError(`No route ${request.method} of this path`);
  return new InvariantError('unexpected failure');
}

/** Renders an error; `requestId` lets a user point us at the log line. Internal failures carry nothing else. */
export function problemResponse(error: NautilusError, requestId: string): Response {
  const internal = error.status >= 500 && error.slug === 'internal';
  const { errors, ...extras } = error.extras;
  const body = {
    type: `/problems/${error.slug}`,
    title: error.title,
    status: error.status,
    detail: internal ? 'An internal error occurred; the request id identifies it in the log' : error.message,
    instance: requestId,
    ...(internal ? {} : extras),
    ...(errors && errors.length > 0 && !internal ? { errors } : {}),
  };
  const headers: Record<string, string> = { 'content-type': PROBLEM_TYPE };
  if (typeof extras.retry_after_s === 'number')
    headers['retry-after'] = String(Math.ceil(extras.retry_after_s));
  if (error.status === 401) headers['www-authenticate'] = 'Bearer realm="nautilus"';
  return new Response(JSON.stringify(body), { status: error.status, headers });
}

/** Returns the error of a body that its schema refuses, in the words of every other route; with the body, what is missing is said to be. */
export function invalidBody({ issues }: z.ZodError, body?: unknown): InvalidOptionError {
  return invalidFields(fieldErrors(issues, '', body));
}

const PLACES: Record<string, string> = { body: '', query: 'query', params: 'path', headers: 'header' };

function validationError({ type = 'body', validator, value }: Refused): NautilusError {
  const place = PLACES[type];
  // A reply of ours that breaks its own schema is our fault, not the caller's.
  if (place === undefined) return new InvariantError(`a ${type} breaks its schema`);
  // The framework's own list of issues has neither the names of unknown fields nor those of alternatives.
  const schema = validator && ('~standard' in validator ? validator : validator.schema);
  const found = schema?.['~standard'].validate(value);
  const issues = found && 'issues' in found ? (found.issues as readonly Issue[] | undefined) : undefined;
  return invalidFields(fieldErrors(issues ?? [], place, value));
}
