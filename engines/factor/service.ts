// What the Factor engine does: follows a panel on the stream, ranks it, computes factors of posted panels.
import type { Envelope } from '../../src/bus/envelope.ts';
import type { Participant, StreamPublisher } from '../../src/bus/participant.ts';
import { type SessionSpec, topics } from '../../src/bus/topics.ts';
import type { UnitRunner } from '../../src/bus/unit.ts';
import { NotFoundError, ShapeMismatchError } from '../../src/core/errors.ts';
import {
  computeFactors,
  FACTORS,
  factor,
  factorsOf,
  Panel,
  panelOf,
  rankFactor,
} from '../../src/factors/index.ts';
import type { FollowedPanel, LiveBar } from './lib/follow.ts';
import type { ComputeRequest, Page } from './schemas.ts';

/** A symbol's factors are published at its 60th bar, its 120th and so on: once an hour for bars of a minute. */
export const CADENCE_BARS = 60;

interface Replay {
  readonly session: string;
  readonly symbol: string;
  /** Of the replay alone, so that its outcome does not depend on what else is on the stream. */
  readonly panel: Panel;
  readonly bars: Map<string, number>;
  published: number;
}

/** State and decisions of the Factor engine. */
export class FactorService {
  readonly #followed: FollowedPanel;
  readonly #units: UnitRunner;
  #replay: Replay | undefined;

  readonly participant: Participant = {
    consumes: [topics.marketLiveData],
    emits: [topics.factorValues],
    begin: (spec) => this.#begin(spec),
    process: (batch, publisher) => this.#process(batch, publisher),
    abort: () => this.#endReplay(),
    close: (spec) => {
      const published = this.#replay?.published ?? 0;
      this.#endReplay();
      return { symbol: spec.symbol, published, cadence_bars: CADENCE_BARS };
    },
  };

  constructor(followed: FollowedPanel, units: UnitRunner) {
    this.#followed = followed;
    this.#units = units;
  }

  status() {
    return { instruments: this.#followed.symbols.length, bars_ignored: this.#followed.ignored };
  }

  /** Definitions, in the order of the registry. */
  definitions({ limit, offset }: Page) {
    const factors = FACTORS.slice(offset, offset + limit).map((def) => {
      const { name, title, category, lookback, inputs, formula, source } = def;
      return { name, title, category, lookback, inputs: [...inputs], formula, source };
    });
    return { factors, total: FACTORS.length };
  }

  /** Factors of symbols on the stream at the newest bar of each. Throws NotFoundError for a symbol never seen. */
  values(asked: readonly string[] | undefined, { limit, offset }: Page) {
    const all = asked ?? this.#followed.symbols;
    const values = all.slice(offset, offset + limit).map((symbol) => {
      const followed = this.#followed.get(symbol);
      if (!followed) throw new NotFoundError('Expected symbols that have been seen on the stream');
      const { tsEventUs, bars } = followed;
      return {
        symbol,
        ts_event_us: tsEventUs,
        bars,
        factors: byName(factorsOf(this.#followed.panel, symbol)),
      };
    });
    return { values, total: all.length };
  }

  /**
   * Percentile ranks of one factor over the symbols that are current: whose newest bar is at most one interval of its
   * own older than the newest of all. The others keep their value and have no rank. Highest rank first.
   */
  rank(name: string, { limit, offset }: Page) {
    const def = factor(name);
    const { symbols, panel } = this.#followed;
    const known = symbols.map((symbol) => this.#followed.get(symbol)!);
    const newest = known.reduce((latest, f) => Math.max(latest, f.tsEventUs), 0);
    const table = computeFactors(panel, [def.name]);
    const valueBy = new Map(table.symbols.map((symbol, i) => [symbol, table.factors[def.name]![i]!]));
    const current = known.map((f) => newest - f.tsEventUs <= f.interval_us);
    const counted = symbols.map((symbol, i) => (current[i] ? finite(valueBy.get(symbol)!) : Number.NaN));
    const ranks = rankFactor(Float64Array.from(counted));
    const rows = known.map((f, i) => ({
      symbol: f.symbol,
      ts_event_us: f.tsEventUs,
      value: nullable(valueBy.get(f.symbol)!),
      rank: nullable(ranks[i]!),
      current: current[i]!,
    }));
    rows.sort((a, b) => (b.rank ?? -1) - (a.rank ?? -1) || (a.symbol < b.symbol ? -1 : 1));
    return {
      factor: def.name,
      ts_event_us: newest,
      ranks: rows.slice(offset, offset + limit),
      ranked: counted.filter((value) => !Number.isNaN(value)).length,
      total: rows.length,
    };
  }

  /** Factors and ranks of a posted panel at the newest bar of each symbol. Throws NotFoundError, ShapeMismatchError. */
  compute(request: ComputeRequest) {
    const started = performance.now();
    const { symbols, close, volume, factors: names } = request;
    for (const def of names ?? []) factor(def);
    for (const column of ['open', 'high', 'low', 'close', 'volume'] as const) {
      const rows = request[column];
      if (rows) checkShape(rows, column, close.length, symbols.length);
    }
    const panel = panelOf({
      symbols,
      times: close.map((_, row) => row),
      close: cells(close),
      ...(volume && { volume: cells(volume) }),
    });
    const table = computeFactors(panel, names);
    const lists = Object.entries(table.factors);
    return {
      symbols: [...table.symbols],
      bars: close.length,
      factors: Object.fromEntries(lists.map(([name, values]) => [name, Array.from(values, nullable)])),
      ranks: Object.fromEntries(
        lists.map(([name, values]) => [name, Array.from(rankFactor(values.map(finite)), nullable)]),
      ),
      processing_time_ms: Math.round((performance.now() - started) * 1000) / 1000,
      hardware_used: 'cpu',
      backend: 'typescript',
    };
  }

  /** Lets live bars of the replayed symbol in again. */
  #endReplay(): void {
    this.#replay = undefined;
  }

  async #begin({ session, symbol }: SessionSpec): Promise<void> {
    await this.#units.run(({ tx }) => {
      this.#followed.forget(symbol);
      this.#followed.save(tx);
    });
    this.#replay = { session, symbol, panel: new Panel(), bars: new Map(), published: 0 };
  }

  #process(batch: readonly Envelope[], publisher: StreamPublisher): void {
    const replay = publisher.spec && this.#replay;
    let due: Envelope<LiveBar>[] = [];
    for (const [i, envelope] of (batch as readonly Envelope<LiveBar>[]).entries()) {
      if (replay ? this.#pushReplayed(replay, envelope) : this.#pushLive(envelope)) due.push(envelope);
      // Values are read after all bars of a moment that came together, so that each sees the whole market. A replay
      // holds one symbol, so that it makes no difference there where its batches end.
      if (due.length === 0 || batch[i + 1]?.ts_event_us === envelope.ts_event_us) continue;
      this.#publish(due, replay, publisher);
      due = [];
    }
    this.#followed.save(publisher.tx);
  }

  #publish(due: readonly Envelope<LiveBar>[], replay: Replay | undefined, publisher: StreamPublisher): void {
    if (replay) replay.published += due.length;
    const panel = replay?.panel ?? this.#followed.panel;
    for (const { body, ts_event_us, correlation_id } of due) {
      const factors = byName(factorsOf(panel, body.symbol));
      publisher.publish(topics.factorValues, { symbol: body.symbol, factors }, ts_event_us, correlation_id);
    }
  }

  /** Returns whether the symbol's factors are due. */
  #pushLive({ body, ts_event_us }: Envelope<LiveBar>): boolean {
    // The same symbol can be live and in a replay: its window holds one of the two.
    if (body.symbol === this.#replay?.symbol) return false;
    const followed = this.#followed.push(body, ts_event_us);
    return followed !== undefined && followed.bars % CADENCE_BARS === 0;
  }

  #pushReplayed({ panel, bars }: Replay, { body, ts_event_us }: Envelope<LiveBar>): boolean {
    this.#followed.push(body, ts_event_us);
    const { symbol, close, volume } = body;
    panel.add(symbol);
    if (!panel.push(symbol, { ts_event_us, close, volume })) return false;
    const count = (bars.get(symbol) ?? 0) + 1;
    bars.set(symbol, count);
    return count % CADENCE_BARS === 0;
  }
}

function checkShape(
  rows: readonly (readonly unknown[])[],
  column: string,
  bars: number,
  symbols: number,
): void {
  const expected = `${bars} rows of ${symbols} values`;
  const bad = rows.length === bars ? rows.findIndex((row) => row.length !== symbols) : undefined;
  if (bad === -1) return;
  const pointer = bad === undefined ? `/${column}` : `/${column}/${bad}`;
  throw new ShapeMismatchError(`Expected ${expected} for ${column}`, [{ pointer, expected }]);
}

function cells(rows: readonly (readonly (number | null)[])[]): Float64Array {
  return Float64Array.from(rows.flat(), (value) => value ?? Number.NaN);
}

function byName(values: Readonly<Record<string, number>>): Record<string, number | null> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, nullable(value)]));
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : Number.NaN;
}

/** JSON has neither NaN nor infinities; both mean that there is no value. */
function nullable(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
