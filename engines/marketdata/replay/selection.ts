// Which records of a recording a replay tells: by kind, by symbol, and of one source for each symbol.
import type { MarketRecord } from '../../../src/market/records.ts';
import { streamsOf } from '../pipeline/kinds.ts';
import { type Stream, streamOf } from '../pipeline/routing.ts';
import type { Use } from './player.ts';
import type { PacedRequest } from './schemas.ts';

/** Chooses records for one replay. */
export class Selection {
  /** Records of a second source of a symbol: others could not tell them from those of the first. */
  otherSource = 0;
  readonly #symbols: ReadonlySet<string> | null;
  readonly #streams: ReadonlySet<Stream> | null;
  readonly #sources = new Map<string, string>();
  readonly #onSymbol: (symbol: string) => void;

  /** `onSymbol` is called with each symbol that is met, and throws to refuse it. */
  constructor(
    { symbols, kinds }: Pick<PacedRequest, 'symbols' | 'kinds'>,
    onSymbol: (symbol: string) => void,
  ) {
    this.#symbols = symbols ? new Set(symbols) : null;
    this.#streams = kinds ? new Set(kinds.flatMap((kind) => [...streamsOf(kind)])) : null;
    this.#onSymbol = onSymbol;
  }

  symbols(): string[] {
    return [...this.#sources.keys()];
  }

  has(symbol: string): boolean {
    return this.#sources.has(symbol) || (this.#symbols?.has(symbol) ?? false);
  }

  use(record: MarketRecord): Use {
    const { symbol, source } = record;
    if (this.#symbols && !this.#symbols.has(symbol)) return 'leave';
    const known = this.#sources.get(symbol);
    if (known === undefined) {
      this.#onSymbol(symbol);
      this.#sources.set(symbol, source);
    } else if (known !== source) {
      this.otherSource++;
      return 'leave';
    }
    if (!this.#streams || this.#streams.has(streamOf(record.kind))) return 'publish';
    // Quotes prove a book that was broken.
    return record.kind === 'quote' && this.#streams.has('book') ? 'book' : 'leave';
  }
}
