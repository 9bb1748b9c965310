// The open window of a monitor: sketches of what came in and went out, latencies, counts. What it holds does not grow with its rows.
import { TableSketch } from '../../../src/learning/drift/index.ts';
import { Latencies } from './latency.ts';
import { type Answered, chunkOf, numeric, outputNames, type WatchedCard } from './rows.ts';

/** Points that a distribution is kept in: 1/64 of the rows at most between two of them. */
export const SKETCH_POINTS = 256;

/** A window as it is stored. */
export interface StoredWindow {
  readonly rows: number;
  readonly requests: number;
  readonly skipped: number;
  readonly jumps: number;
  readonly inputs: unknown;
  readonly outputs: unknown;
  readonly latencies: [number, number][];
}

/** Returns an empty sketch of columns of numbers. */
export function sketchOf(names: readonly string[]): TableSketch {
  return new TableSketch(numeric(names), { points: SKETCH_POINTS });
}

/** What came since a window was opened. */
export class Window {
  readonly seq: number;
  readonly version: string;
  readonly openedUs: number;
  /** When it was opened, on the clock that only counts; of one that was taken up again, when it was. */
  readonly steadyUs: number;
  rows = 0;
  requests = 0;
  /** Rows that were not looked at. */
  skipped = 0;
  /** Jumps of the clock while it was open. */
  jumps = 0;
  inputs: TableSketch | null = null;
  outputs: TableSketch | null = null;
  latencies = new Latencies();
  /** Whether something came since it was stored. */
  isDirty = false;

  constructor(seq: number, version: string, openedUs: number, steadyUs: number) {
    this.seq = seq;
    this.version = version;
    this.openedUs = openedUs;
    this.steadyUs = steadyUs;
  }

  /** Takes the rows `from` to `to` of a reply. */
  take(card: WatchedCard, { values, output, rows, width }: Answered, from = 0, to = rows): void {
    const columns = values.length / rows;
    const inputs = card.inputs.map(({ name }) => name);
    const outputs = outputNames(card, width);
    this.inputs ??= sketchOf(inputs);
    this.outputs ??= sketchOf(outputs);
    this.inputs.update(chunkOf(inputs, values, columns, from, to));
    this.outputs.update(chunkOf(outputs, output, width, from, to));
    this.rows += to - from;
    this.isDirty = true;
  }

  /** Counts a request with its milliseconds. */
  request(ms: number): void {
    this.requests++;
    this.latencies.add(ms);
    this.isDirty = true;
  }

  stored(): StoredWindow {
    const { rows, requests, skipped, jumps, inputs, outputs, latencies } = this;
    return {
      rows,
      requests,
      skipped,
      jumps,
      inputs: inputs?.toJSON() ?? null,
      outputs: outputs?.toJSON() ?? null,
      latencies: latencies.toJSON(),
    };
  }

  /** Goes on with a window that was stored. */
  restore({ inputs, outputs, latencies, ...counts }: StoredWindow): void {
    this.rows = counts.rows;
    this.requests = counts.requests;
    this.skipped = counts.skipped;
    this.jumps = counts.jumps;
    this.inputs = inputs === null ? null : TableSketch.fromJSON(inputs);
    this.outputs = outputs === null ? null : TableSketch.fromJSON(outputs);
    this.latencies = Latencies.from(latencies);
  }
}
