// Routing of batches to ports by pattern, the same for memory (objects) and the hub (bytes). No I/O here.
import { compilePattern } from './pattern.ts';

/** One attached client. `Payload` is opaque to the router. */
export interface Port<Payload> {
  deliver(topic: string, count: number, payload: Payload): void;
}

/** Delivers each batch once to every port that has at least one matching pattern, the publisher included. */
export class Router<Payload> {
  readonly #ports = new Map<Port<Payload>, Map<string, (topic: string) => boolean>>();
  // Topics are few and patterns change rarely, so that the match is computed once per topic.
  readonly #routes = new Map<string, readonly Port<Payload>[]>();

  attach(port: Port<Payload>): void {
    this.#ports.set(port, new Map());
  }

  detach(port: Port<Payload>): void {
    this.#ports.delete(port);
    this.#routes.clear();
  }

  subscribe(port: Port<Payload>, pattern: string): void {
    this.#ports.get(port)?.set(pattern, compilePattern(pattern));
    this.#routes.clear();
  }

  unsubscribe(port: Port<Payload>, pattern: string): void {
    this.#ports.get(port)?.delete(pattern);
    this.#routes.clear();
  }

  route(topic: string, count: number, payload: Payload): void {
    for (const port of this.#match(topic)) port.deliver(topic, count, payload);
  }

  #match(topic: string): readonly Port<Payload>[] {
    const known = this.#routes.get(topic);
    if (known) return known;
    const ports: Port<Payload>[] = [];
    for (const [port, patterns] of this.#ports) {
      for (const matches of patterns.values()) {
        if (matches(topic)) {
          ports.push(port);
          break;
        }
      }
    }
    this.#routes.set(topic, ports);
    return ports;
  }
}
