// The gate that all records of one series pass: it gives each its flags, counts them, and keeps a bounded memory that can be saved.
import { FLAG_NAMES, FLAGS, type FlagName } from '../flags.ts';
import type { CorporateAction, MarketKind, MarketRecord } from '../records.ts';
import type { Calendar } from '../sessions/calendar.ts';
import { DAY_US } from '../sessions/days.ts';
import { CHECKS } from './checks/index.ts';
import {
  bitsOf,
  type Context,
  type KnownSplit,
  type Place,
  type Running,
  type Series,
} from './definition.ts';
import { type ParameterOverrides, parametersOf } from './parameters.ts';
import { type QualityReport, type SeriesCounts, scoreOf } from './score.ts';

/** What a gate is for. */
export interface GateOptions {
  readonly kind: MarketKind;
  /** When the market trades; null (the default) where that is not known: gaps of bars and sessions are not judged then. */
  readonly calendar?: Calendar | null;
  /** `contiguous` where the venue counts records by one, `connection` where it counts messages of each connection. Default `rising`. */
  readonly sequence?: Series['sequence'];
  readonly parameters?: ParameterOverrides;
  /** Checks that are left out, since what they judge is not told of this series. */
  readonly without?: readonly FlagName[];
}

/** What a gate remembers, as JSON. */
export interface SavedGate {
  readonly version: number;
  readonly kind: MarketKind;
  readonly parameters: unknown;
  readonly counts: SeriesCounts;
  readonly splits: readonly KnownSplit[];
  /** What the checks remember; bars: for each length. */
  readonly lanes: readonly SavedLane[];
}

interface SavedLane {
  /** Which bars; '' for other kinds. */
  readonly length: string;
  readonly checks: Readonly<Record<string, unknown>>;
}

// Rises when what checks save changes: an older memory is not read then.
const VERSION = 1;
// Splits of one instrument that a gate remembers; none has had so many.
const MAX_SPLITS = 256;
// Lengths of bars of one symbol that are told apart; the one that began first is forgotten for another.
const MAX_LANES = 32;

interface Step {
  readonly flag: FlagName;
  readonly bit: number;
  /** Bits upon which it does not run. */
  readonly unless: number;
  readonly start: (saved: unknown) => Running;
}

/** The checks at work, in the order of the steps, on the bars of one length or all records of another kind. */
interface Lane {
  readonly unit: string;
  readonly interval: number;
  readonly running: readonly Running[];
}

/** Bits of the flags that keep a record from the main view. */
export const QUARANTINE = bitsOf(FLAG_NAMES.filter((name) => FLAGS[name].quarantine));

/** A gate of one series: source, symbol, kind; bars of different lengths are judged apart. The same records with the same clock get the same flags, in one run or over a restart. */
export class SeriesGate {
  readonly #series: Series;
  readonly #parameters: Record<string, unknown>;
  readonly #steps: readonly Step[];
  readonly #context: Context;
  readonly #counts: SeriesCounts;
  readonly #byBit: number[] = [];
  #splits: KnownSplit[];
  readonly #lanes = new Map<string, Lane>();
  #lane: Lane;
  /** False when a saved memory was given that this version or these parameters cannot go on from. */
  readonly restored: boolean;

  /** Starts at the beginning, or where `saved` ended. Throws InvalidOptionError for parameters that are none. */
  constructor(options: GateOptions, saved: SavedGate | null = null) {
    const { kind, calendar = null, sequence = 'rising', without = [] } = options;
    this.#series = { kind, calendar, sequence };
    this.#parameters = parametersOf(kind, options.parameters);
    const usable = saved !== null && fits(saved, kind, this.#parameters) ? saved : null;
    this.restored = usable !== null;
    this.#splits = [...(usable?.splits ?? [])];
    this.#counts = usable ? { ...usable.counts, flags: { ...usable.counts.flags } } : emptyCounts();
    this.#steps = CHECKS.filter((check) => check.kinds.includes(kind) && !without.includes(check.flag)).map(
      (check) => ({
        flag: check.flag,
        bit: FLAGS[check.flag].bit,
        unless: bitsOf(check.unless),
        start: (memory: unknown) => check.start(this.#parameters[check.flag] as never, memory),
      }),
    );
    for (const { length, checks } of usable?.lanes ?? []) this.#open(length, checks);
    this.#lane = this.#lanes.get('') ?? NO_LANE;
    if (kind !== 'bar' && this.#lane === NO_LANE) this.#lane = this.#open('', {});
    this.#byBit = this.#steps.map(({ flag }) => this.#counts.flags[flag] ?? 0);
    this.#context = {
      series: this.#series,
      nowUs: 0,
      flags: 0,
      place: 'first',
      previousSequence: Number.NaN,
      previousUs: Number.NaN,
      missing: 0,
      splits: this.#splits,
    };
  }

  /** Id of the calendar that it judges by; null without. */
  get calendar(): string | null {
    return this.#series.calendar?.id ?? null;
  }

  /** Returns the flags of the next record: those that it has already, with what the checks find. `nowUs` is the clock, by default its time of receipt. */
  check(record: MarketRecord, nowUs: number = record.tsReceiveUs): number {
    const context = this.#context;
    const counts = this.#counts;
    context.nowUs = nowUs;
    context.missing = 0;
    context.place = 'first';
    let flags = record.flags;
    if (
      record.kind === 'bar' &&
      (record.interval !== this.#lane.interval || record.unit !== this.#lane.unit)
    ) {
      this.#lane = this.#laneOf(`${record.unit} ${record.interval}`);
    }
    const { running } = this.#lane;
    for (let i = 0; i < this.#steps.length; i++) {
      const step = this.#steps[i]!;
      context.flags = flags;
      if ((flags & step.unless) !== 0 || !running[i]!.step(record, context)) continue;
      flags |= step.bit;
      this.#byBit[i]!++;
    }
    counts.records++;
    if (flags !== 0) {
      counts.flagged++;
      if ((flags & QUARANTINE) !== 0) counts.quarantined++;
    }
    counts.missing += context.missing;
    const place = context.place as Place;
    if (place === 'restart') counts.restarts++;
    else if (place === 'older') counts.late++;
    if ((flags & UNTIMED) === 0) {
      if (counts.firstUs === null || record.tsEventUs < counts.firstUs) counts.firstUs = record.tsEventUs;
      if (counts.lastUs === null || record.tsEventUs > counts.lastUs) counts.lastUs = record.tsEventUs;
    }
    return flags;
  }

  /** Takes note of a corporate action: the jump of a known split is neither an outlier nor like an unknown split. */
  know(action: CorporateAction): void {
    if (action.action !== 'split' || action.ratio === null || !(action.ratio > 0)) return;
    // Another source may say another time of the same ex-day.
    const dayOf = (us: number) => Math.floor(us / DAY_US);
    const others = this.#splits.filter((split) => dayOf(split.exUs) !== dayOf(action.tsEventUs));
    others.push({ exUs: action.tsEventUs, ratio: action.ratio });
    this.#splits = others.sort((a, b) => a.exUs - b.exUs).slice(-MAX_SPLITS);
    this.#context.splits = this.#splits;
  }

  /** Returns for how long the source has been silent beyond its bound, in microseconds of open market; 0 while it is within. */
  silentUs(nowUs: number): number {
    let longest = 0;
    for (const { running } of this.#lanes.values()) {
      for (const check of running) longest = Math.max(longest, check.silence?.(nowUs, this.#series) ?? 0);
    }
    return longest;
  }

  /** Returns what was counted, with the score and what it was lost by. */
  report(nowUs: number): QualityReport {
    return scoreOf(this.#snapshot(), this.silentUs(nowUs));
  }

  save(): SavedGate {
    const lanes = [...this.#lanes].map(([length, { running }]) => ({
      length,
      checks: Object.fromEntries(this.#steps.map(({ flag }, i) => [flag, running[i]!.save()])),
    }));
    return {
      version: VERSION,
      kind: this.#series.kind,
      parameters: this.#parameters,
      counts: this.#snapshot(),
      splits: this.#splits,
      lanes,
    };
  }

  #laneOf(length: string): Lane {
    const known = this.#lanes.get(length);
    if (known) return known;
    if (this.#lanes.size >= MAX_LANES) this.#lanes.delete(this.#lanes.keys().next().value!);
    return this.#open(length, {});
  }

  #open(length: string, checks: Readonly<Record<string, unknown>>): Lane {
    const [unit, interval] = length.split(' ');
    const running = this.#steps.map(({ flag, start }) => start(checks[flag] ?? null));
    const lane = { unit: unit!, interval: Number(interval), running };
    this.#lanes.set(length, lane);
    return lane;
  }

  #snapshot(): SeriesCounts {
    const flags: Partial<Record<FlagName, number>> = {};
    this.#steps.forEach(({ flag }, i) => {
      flags[flag] = this.#byBit[i]!;
    });
    return { ...this.#counts, flags };
  }
}

// Times of such records say nothing about the series.
const UNTIMED = FLAGS.malformed.bit | FLAGS.bad_timestamp.bit;

const NO_LANE: Lane = { unit: '', interval: Number.NaN, running: [] };

function emptyCounts(): SeriesCounts {
  return {
    records: 0,
    flagged: 0,
    quarantined: 0,
    missing: 0,
    late: 0,
    restarts: 0,
    firstUs: null,
    lastUs: null,
    flags: {},
  };
}

function fits(saved: SavedGate, kind: MarketKind, parameters: unknown): boolean {
  return (
    saved.version === VERSION &&
    saved.kind === kind &&
    JSON.stringify(saved.parameters) === JSON.stringify(parameters)
  );
}
