// What a live session tells of what it heard: records, refusals, and what cannot be read, which takes nothing else with it.
import type { MarketRecord } from '../../../../src/market/records.ts';
import type { SourceSink, Wanted } from '../port.ts';
import { type Fields, objectOf, Unreadable } from './fields.ts';
import { parseJson } from './json.ts';
import { said } from './said.ts';

export class Teller {
  readonly #sink: SourceSink;

  constructor(sink: SourceSink) {
    this.#sink = sink;
  }

  /** Hands records on, if there are any. */
  records(records: readonly MarketRecord[]): void {
    if (records.length > 0) this.#sink.records(records);
  }

  garbage(reason: string): void {
    this.#sink.event({ event: 'garbage', reason: said(reason) });
  }

  refused({ symbol, kind }: Wanted, reason: string): void {
    this.#sink.event({ event: 'refused', symbol, kind, reason: said(reason) });
  }

  /** Runs `read`; what it finds unreadable is counted as garbage. */
  readable(read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      this.garbage(error.message);
    }
  }

  /** Hands the object of a text message to `read`, as {@link readable} does. */
  message(data: string | Uint8Array, read: (message: Fields) => void): void {
    this.readable(() => {
      if (typeof data !== 'string') throw new Unreadable('no text');
      let message: unknown;
      try {
        message = parseJson(data);
      } catch {
        throw new Unreadable('no JSON');
      }
      read(objectOf(message));
    });
  }
}
