// Best quotes that carry the number of a book's update, kept until the book is there.
import type { Quote } from '../records.ts';

/** The newest best quotes by the number of their update, bounded. */
export class NumberedQuotes {
  #quotes: Quote[] = [];
  #from = 0;
  /** Quotes that went because too many waited. */
  dropped = 0;

  constructor(readonly limit: number) {}

  add(quote: Quote): void {
    this.#quotes.push(quote);
    if (this.#quotes.length - this.#from > this.limit) {
      this.#from++;
      this.dropped++;
    }
    if (this.#from >= this.limit) {
      this.#quotes = this.#quotes.slice(this.#from);
      this.#from = 0;
    }
  }

  /** Returns the quote of update `sequence`, if there is one; it and all older ones go. */
  at(sequence: number): Quote | null {
    let found: Quote | null = null;
    while (this.#from < this.#quotes.length && this.#quotes[this.#from]!.sequence! <= sequence) {
      const quote = this.#quotes[this.#from++]!;
      if (quote.sequence === sequence) found = quote;
    }
    if (this.#from === this.#quotes.length) this.clear();
    return found;
  }

  clear(): void {
    this.#quotes.length = 0;
    this.#from = 0;
  }
}
