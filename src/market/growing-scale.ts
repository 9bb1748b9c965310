// The scale of an instrument that nobody described: as many decimals as its texts have needed so far.
import { decimalsOf, MAX_DECIMALS, type Scale, ticksOf } from './scale.ts';

/**
 * Turns decimal texts of one instrument into integers. The scale grows when a text needs more decimals; integers made before are of the old
 * one, so that whoever makes a record of several texts begins anew when {@link scale} is another object than at the start.
 */
export class GrowingScale {
  scale: Scale;

  constructor(start: Scale = { price: 0, size: 0 }) {
    this.scale = start;
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

  // Decimals that make `text` exact, -1 when none do.
  #more(text: string, decimals: number): number {
    const needed = decimalsOf(text);
    if (needed <= decimals || needed > MAX_DECIMALS || Number.isNaN(ticksOf(text, needed))) return -1;
    return needed;
  }
}
