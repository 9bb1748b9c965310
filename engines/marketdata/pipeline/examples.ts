// The newest records of a series with something wrong, kept as examples.
import { type FlagName, flagNames } from '../../../src/market/flags.ts';
import type { MarketRecord } from '../../../src/market/records.ts';

/** A record with something wrong, as an example. */
export interface Example {
  readonly ts_event_us: number;
  readonly ts_receive_us: number;
  readonly sequence: number | null;
  readonly flags: FlagName[];
}

const EXAMPLES = 20;

interface Kept {
  tsEventUs: number;
  tsReceiveUs: number;
  sequence: number | null;
  flags: number;
}

/** The newest records with a flag. Their places are used again: where a clock is wrong every record has a flag. */
export class Examples {
  readonly #kept: Kept[] = [];
  #count = 0;

  add({ tsEventUs, tsReceiveUs, sequence }: MarketRecord, flags: number): void {
    const kept = this.#kept[this.#count++ % EXAMPLES];
    if (kept) {
      kept.tsEventUs = tsEventUs;
      kept.tsReceiveUs = tsReceiveUs;
      kept.sequence = sequence;
      kept.flags = flags;
    } else this.#kept.push({ tsEventUs, tsReceiveUs, sequence, flags });
  }

  /** Makes room for the same record with other flags. */
  takeBack(): void {
    if (this.#count > 0) this.#count--;
  }

  newestFirst(): Example[] {
    const list: Example[] = [];
    for (let back = 1; back <= Math.min(this.#count, this.#kept.length); back++) {
      const { tsEventUs, tsReceiveUs, sequence, flags } = this.#kept[(this.#count - back) % EXAMPLES]!;
      list.push({ ts_event_us: tsEventUs, ts_receive_us: tsReceiveUs, sequence, flags: flagNames(flags) });
    }
    return list;
  }
}
