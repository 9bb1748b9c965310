// What a session listens to, as the channels of its venue: what is new, what is no longer wanted, which wish a refusal is about.
import type { MarketRecord } from '../../../../src/market/records.ts';
import type { Wanted } from '../port.ts';

/** What changed from one list to the next. */
export interface Change {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** Channels by name, each with the wishes that it fulfils. */
export class WantedChannels {
  #channels = new Map<string, readonly Wanted[]>();
  /** Symbols by what the venue calls them, in the order in which they came. */
  #symbols = new Map<string, string[]>();
  /** Further symbols of the same thing, by the first. */
  #others = new Map<string, readonly string[]>();
  readonly #native: (wanted: Wanted) => string;

  constructor(native: (wanted: Wanted) => string) {
    this.#native = native;
  }

  /** Takes the whole list. `channel` is the venue's name of what fulfils a wish; null passes the wish over. */
  replace(all: readonly Wanted[], channel: (wanted: Wanted, native: string) => string | null): Change {
    const before = this.#channels;
    const now = new Map<string, Wanted[]>();
    this.#symbols = new Map();
    for (const wanted of all) {
      const native = this.#native(wanted);
      const name = channel(wanted, native);
      if (name === null) continue;
      const symbols = this.#symbols.get(native);
      if (!symbols) this.#symbols.set(native, [wanted.symbol]);
      else if (!symbols.includes(wanted.symbol)) symbols.push(wanted.symbol);
      const wishes = now.get(name);
      if (wishes) wishes.push(wanted);
      else now.set(name, [wanted]);
    }
    this.#channels = now;
    const shared = [...this.#symbols.values()].filter((symbols) => symbols.length > 1);
    this.#others = new Map(shared.map(([first, ...others]) => [first!, others]));
    return {
      added: [...now.keys()].filter((name) => !before.has(name)),
      removed: [...before.keys()].filter((name) => !now.has(name)),
    };
  }

  get names(): readonly string[] {
    return [...this.#channels.keys()];
  }

  has(channel: string): boolean {
    return this.#channels.has(channel);
  }

  wishes(channel: string): readonly Wanted[] {
    return this.#channels.get(channel) ?? [];
  }

  /** Returns the symbol that the venue calls `native`, the first where it is wanted by several; undefined when nobody wants it. */
  symbolOf(native: string): string | undefined {
    return this.#symbols.get(native)?.[0];
  }

  /** Returns records of first symbols under all the symbols by which the same thing is wanted. */
  underAll<R extends MarketRecord>(records: readonly R[]): readonly R[] {
    if (this.#others.size === 0) return records;
    return records.flatMap((record) => [
      record,
      ...(this.#others.get(record.symbol) ?? []).map((symbol) => ({ ...record, symbol })),
    ]);
  }
}
