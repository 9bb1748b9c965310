// The scale of an instrument that nobody described: as many decimals as its texts have needed so far.
import { decimalsOf, MAX_DECIMALS, type Scale, ticksOf } from './scale.ts';

/**
 * Turns decimal texts of one instrument into integers. The scale grows when a text needs more decimals; integers made before are of the old
 * one, so that a record of several texts is made by {@link exactly}.
 */
export class GrowingScale {
  scale: Scale;
  /** Decimals that are known to be needed: never fewer. */
  floor: Scale;

  constructor(start: Scale = { price: 0, size: 0 }) {
    this.scale = start;
    this.floor = start;
  }

  /**
   * Returns what `make` makes of the texts of one record, all of them in {@link scale}: again from the start when that grew on the way. One
   * text with decimals that no price has would leave no room for all that follow; so when `make` throws it is tried once more with no
   * more decimals than the record needs itself. What fits neither way leaves the scale as it was, and throws as `make` did at first.
   */
  exactly<T>(make: () => T): T {
    const before = this.scale;
    try {
      return this.#settled(make);
    } catch (error) {
      this.scale = this.floor;
      try {
        return this.#settled(make);
      } catch {
        this.scale = before;
        throw error;
      }
    }
  }

  /** Returns a price as an integer of {@link scale}, NaN when the text is no plain decimal or would not be exact. */
  price(text: string): number {
    const ticks = ticksOf(text, this.scale.price);
    if (!Number.isNaN(ticks)) return ticks;
    const decimals = this.#more(text, this.scale.price);
    if (decimals < 0) return Number.NaN;
    this.scale = { price: decimals, size: this.scale.size };
    return ticksOf(text, decimals);
  }

  /** Returns a size as an integer of {@link scale}, NaN when the text is no plain decimal or would not be exact. */
  size(text: string): number {
    const ticks = ticksOf(text, this.scale.size);
    if (!Number.isNaN(ticks)) return ticks;
    const decimals = this.#more(text, this.scale.size);
    if (decimals < 0) return Number.NaN;
    this.scale = { price: this.scale.price, size: decimals };
    return ticksOf(text, decimals);
  }

  #settled<T>(make: () => T): T {
    for (;;) {
      const { scale } = this;
      const made = make();
      if (this.scale === scale) return made;
    }
  }

  // Decimals that make `text` exact, -1 when none do.
  #more(text: string, decimals: number): number {
    const needed = decimalsOf(text);
    if (needed <= decimals || needed > MAX_DECIMALS || Number.isNaN(ticksOf(text, needed))) return -1;
    return needed;
  }
}
