// Errors as RFC 9457 problem documents: one place maps everything that can go wrong to a status and a type.
import type { z } from 'zod';
import type { FieldError } from '../core/errors.ts';
import {
  InvalidOptionError,
  InvariantError,
  MalformedBodyError,
  NautilusError,
  NotFoundError,
  pointerPart,
} from '../core/errors.ts';

/** Media type of RFC 9457. */
export const PROBLEM_TYPE = 'application/problem+json';

interface ElysiaFailure {
  readonly code: string | number;
  readonly error: unknown;
  readonly request: Request;
}

interface ValidationIssue {
  readonly path?: string;
  readonly message?: string;
}

/** Returns the NautilusError that stands for whatever Elysia caught. Unknown errors become `internal`, without detail. */
export function toNautilusError({ code, error, request }: ElysiaFailure): NautilusError {
  if (error instanceof NautilusError) return error;
  if (code === 'VALIDATION') return validationError(error as { type?: string; all?: ValidationIssue[] });
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

/** Returns the error of a body that its schema refuses, in the words of every other route. */
export function invalidBody({ issues }: z.ZodError): InvalidOptionError {
  const all = issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  return validationError({ type: 'body', all }) as InvalidOptionError;
}

const PLACES: Record<string, string> = { body: '', query: 'query', params: 'path', headers: 'header' };

function validationError(error: { type?: string; all?: ValidationIssue[] }): NautilusError {
  const place = PLACES[error.type ?? 'body'];
  // A reply of ours that breaks its own schema is our fault, not the caller's.
  if (place === undefined) return new InvariantError(`a ${error.type} breaks its schema`);
  const errors = (error.all ?? []).map((issue) => fieldError(place, issue));
  const named = errors.map((e) => `Expected ${e.expected} for ${e.pointer || 'the body'}${was(e)}`);
  return new InvalidOptionError(named.slice(0, 3).join('; ') || 'Invalid request', errors);
}

function was(e: FieldError): string {
  return e.received === undefined ? '' : `, was ${e.received}`;
}

// zod says "Invalid input: expected number, received string": kinds of values, never the values.
const EXPECTED_RECEIVED = /expected (.+?), received (.+)$/;
const PREFIX = /^(Invalid \w+|Too small|Too big)(: |$)/;

function fieldError(place: string, issue: ValidationIssue): FieldError {
  const path = (issue.path ?? '')
    .split('.')
    .filter((part) => part !== '')
    .map(pointerPart);
  const pointer = place === '' ? path.map((p) => `/${p}`).join('') : [place, ...path].join('/');
  const message = issue.message ?? '';
  const match = EXPECTED_RECEIVED.exec(message);
  if (!match) return { pointer, expected: expectation(message) };
  return { pointer, expected: match[1]!, received: match[2] === 'undefined' ? 'missing' : match[2]! };
}

// Turns the forms of zod into words that follow "Expected": "Too small: expected number to be >=1" is "number >=1".
function expectation(message: string): string {
  const words = message
    .replace(PREFIX, '')
    .replace(/^expected /i, '')
    .replace(/^Unrecognized keys?: /, 'no field ')
    .replace(' to be ', ' ')
    .replace(' to have ', ' with ');
  return words === '' ? 'a valid value' : words.charAt(0).toLowerCase() + words.slice(1);
}
