// What the hub answers besides routing: requests to the durable log and the lease board, one by one for each connection.
import { z } from 'zod';
import {
  ConflictError,
  DependencyUnavailableError,
  InvalidOptionError,
  NautilusError,
  StorageUnavailableError,
  TooLargeError,
} from '../core/errors.ts';
import { MAX_EVENT_BYTES } from './event-log.ts';
import type { LeaseBoard } from './lease-board.ts';
import type { LogStore } from './log-store.ts';

/** Requests of one connection that may be under way at once, and the bytes in them; more are refused. */
const MOST_REQUESTS = 1024;
const MOST_REQUEST_BYTES = 64 * 2 ** 20;

const text = z.string();
const count = z.number().int().min(0);
const stream = { topic: text.min(1), partition: count };
const member = { group: text, member: text };
const ttlMs = z.number().positive();

/** The parameters of each method, as JSON carries them. */
const METHODS = {
  'log.append': z.object({
    ...stream,
    generation: text,
    first: z.number(),
    payloads: z.array(text),
    known: z.boolean(),
  }),
  'log.bounds': z.object(stream),
  'log.read': z.object({
    places: z.array(z.object({ ...stream, generation: text, position: count })),
    maxEvents: z.number().int().min(1),
    waitMs: z.number().min(0),
  }),
  'log.trim': z.object({ ...stream, position: count }),
  'leases.heartbeat': z.object({ ...member, ttlMs }),
  'leases.claim': z.object({
    ...member,
    resources: z.array(z.object({ resource: text, minEpoch: count })),
    ttlMs,
  }),
  'leases.release': z.object({ ...member, resources: z.array(text) }),
  'leases.leave': z.object(member),
  'leases.holders': z.object({ group: text }),
};

export type HubMethods = { [M in keyof typeof METHODS]: z.infer<(typeof METHODS)[M]> };
export type HubMethod = keyof HubMethods;

/** A refusal as it travels. */
export interface Refusal {
  readonly slug: string;
  readonly detail: string;
}

type Handlers = { readonly [M in HubMethod]: (params: HubMethods[M], signal: AbortSignal) => unknown };

/** The log and the leases of a hub. */
export class HubServices {
  readonly handlers: Handlers;

  /** Without a log its requests are refused with DependencyUnavailableError. */
  constructor(log: LogStore | undefined, leases: LeaseBoard) {
    const open = () => {
      if (!log) throw new DependencyUnavailableError('The hub keeps no event log');
      return log;
    };
    this.handlers = {
      'log.append': (p) => open().append(p, p.generation, p.first, p.payloads, p.known),
      'log.bounds': (p) => open().bounds(p),
      'log.read': (p, signal) => open().readers.read(p.places, { ...p, signal }, this),
      'log.trim': (p) => open().trim(p, p.position),
      'leases.heartbeat': (p) => leases.heartbeat(p.group, p.member, p.ttlMs),
      'leases.claim': (p) => leases.claim(p.group, p.member, p.resources, p.ttlMs),
      'leases.release': (p) => leases.release(p.group, p.member, p.resources),
      'leases.leave': (p) => leases.leave(p.group, p.member),
      'leases.holders': (p) => leases.holders(p.group),
    };
  }
}

/** The requests of one connection. */
export class RequestDesk {
  readonly #services: HubServices;
  readonly #reply: (id: number, name: 'ok' | 'error', payload: string) => void;
  readonly #underWay = new Map<number, AbortController>();
  #bytes = 0;
  #closed = false;

  constructor(services: HubServices, reply: (id: number, name: 'ok' | 'error', payload: string) => void) {
    this.#services = services;
    this.#reply = reply;
  }

  /** Takes a request; its reply comes later, whatever happens. */
  request(id: number, method: string, payload: Buffer): void {
    if (this.#underWay.size >= MOST_REQUESTS || this.#bytes + payload.length > MOST_REQUEST_BYTES) {
      this.#refuse(id, new DependencyUnavailableError('Too many requests to the hub are under way'));
      return;
    }
    const controller = new AbortController();
    this.#underWay.set(id, controller);
    this.#bytes += payload.length;
    void this.#answer(id, method, payload, controller.signal).finally(() => {
      this.#underWay.delete(id);
      this.#bytes -= payload.length;
    });
  }

  cancel(id: number): void {
    this.#underWay.get(id)?.abort();
  }

  /** Ends the waits of a connection that is gone; nothing is replied any more. */
  close(): void {
    this.#closed = true;
    for (const controller of this.#underWay.values()) controller.abort();
  }

  async #answer(id: number, method: string, payload: Buffer, signal: AbortSignal): Promise<void> {
    try {
      if (!Object.hasOwn(METHODS, method)) throw new InvalidOptionError(`The hub knows no method ${method}`);
      const params = METHODS[method as HubMethod].parse(JSON.parse(payload.toString('utf8')));
      const handler = this.#services.handlers[method as HubMethod];
      const result = await (handler as (params: unknown, signal: AbortSignal) => unknown)(params, signal);
      if (!this.#closed) this.#reply(id, 'ok', JSON.stringify(result ?? null));
    } catch (error) {
      this.#refuse(id, error);
    }
  }

  #refuse(id: number, error: unknown): void {
    if (this.#closed) return;
    const refusal: Refusal =
      error instanceof NautilusError
        ? { slug: error.slug, detail: error.message }
        : { slug: 'invalid-option', detail: 'The hub could not read the request' };
    this.#reply(id, 'error', JSON.stringify(refusal));
  }
}

/** The error that a refusal stands for. */
export function refusalError({ slug, detail }: Refusal): NautilusError {
  switch (slug) {
    case 'conflict':
      return new ConflictError(detail);
    case 'invalid-option':
      return new InvalidOptionError(detail);
    case 'too-large':
      return new TooLargeError(detail, MAX_EVENT_BYTES);
    case 'storage-unavailable':
      return new StorageUnavailableError(detail);
    default:
      return new DependencyUnavailableError(detail);
  }
}
