// All sources with their settings: stored, changed, opened and watched.
import { secret } from '../../../src/core/config.ts';
import { type FieldError, InvalidOptionError, NotFoundError } from '../../../src/core/errors.ts';
import { systemTimers } from '../../../src/core/timers.ts';
import type { EngineContext } from '../../../src/http/engine.ts';
import type { SourceFactory, Wanted } from '../sources/port.ts';
import type { SourceSettings, SourceUpdate } from './schemas.ts';
import { Source, type SourceListener } from './source.ts';
import type { Choice } from './subscription.ts';

/** A source that exists, and what it is like as long as nobody has changed it. */
export interface KnownSource {
  readonly id: string;
  readonly factory: SourceFactory;
  readonly enabled?: boolean;
  /** Seconds of silence of a connection that count as a loss. */
  readonly silentAfterS?: number;
  /** Whether it has a symbol, which is then nobody else's; absent where only asking it tells. */
  readonly has?: (symbol: string) => boolean;
}

export interface SourceBoardParts {
  readonly context: Pick<EngineContext, 'clock' | 'log' | 'database'>;
  readonly known: readonly KnownSource[];
  /** Finds a source that is not in the list because its name says which it is (`ccxt:bybit`). */
  readonly find?: (id: string) => KnownSource | undefined;
  readonly listener: SourceListener;
  readonly random?: () => number;
}

const SILENT_AFTER_S = 60;
const MAX_FOUND = 32;

interface Entry {
  readonly known: KnownSource;
  settings: SourceSettings;
  source: Source;
}

/** The registry of sources; the order of their priorities is that of {@link all}. */
export class SourceBoard {
  readonly #parts: SourceBoardParts;
  readonly #entries = new Map<string, Entry>();
  #wanted: ReadonlyMap<string, readonly Wanted[]> = new Map();

  constructor(parts: SourceBoardParts) {
    this.#parts = parts;
    parts.known.forEach((known, i) => {
      this.#add(known, (i + 1) * 10);
    });
  }

  /** Takes the settings that are stored. */
  async start(): Promise<void> {
    const rows = await this.#parts.context.database.all<{ source: string; settings: string }>(
      'SELECT source, settings FROM market_sources ORDER BY source',
    );
    for (const { source, settings } of rows) {
      const entry = this.find(source) && this.#entries.get(source);
      // A source of an older version may be gone.
      if (entry) await this.#apply(entry, { ...entry.settings, ...(JSON.parse(settings) as SourceSettings) });
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#entries.values()].map(({ source }) => source.stop()));
  }

  /** Every source, the one of highest priority first. */
  all(): { readonly source: Source; readonly settings: SourceSettings }[] {
    return [...this.#entries.values()].sort((a, b) => a.settings.priority - b.settings.priority);
  }

  /** Undefined where there is none of this id. */
  find(id: string): Source | undefined {
    const known = this.#entries.get(id);
    if (known) return known.source;
    const found =
      this.#entries.size < this.#parts.known.length + MAX_FOUND ? this.#parts.find?.(id) : undefined;
    return found && this.#add(found, 1000).source;
  }

  /** Throws NotFoundError. */
  get(id: string): { readonly source: Source; readonly settings: SourceSettings } {
    if (!this.find(id)) throw new NotFoundError('No such source: GET /sources lists them');
    return this.#entries.get(id)!;
  }

  /** What the rules of subscriptions need to know, the source of highest priority first. */
  choices(): Choice[] {
    return this.all().map(({ source, settings }) => {
      const { capabilities } = source.adapter;
      const missing = capabilities.credentials.some((name) => !isPresent(name));
      return {
        id: source.id,
        live: source.adapter.live ? capabilities.live : [],
        enabled: settings.enabled,
        usable: capabilities.key !== 'required' || !missing,
        intervalsUs: capabilities.intervalsUs ?? null,
        has: (symbol) => this.#entries.get(source.id)?.known.has?.(symbol) ?? null,
      };
    });
  }

  /** Sets what is wanted of all sources. */
  want(wanted: ReadonlyMap<string, readonly Wanted[]>): void {
    this.#wanted = wanted;
    for (const [id, { source }] of this.#entries) source.want(wanted.get(id) ?? []);
  }

  /** Changes the settings of a source and stores them. Throws NotFoundError, InvalidOptionError for an address that is none. */
  async update(id: string, update: SourceUpdate): Promise<void> {
    this.get(id);
    const entry = this.#entries.get(id)!;
    const endpoints = mergedEndpoints(entry.settings.endpoints, update.endpoints ?? {});
    const { enabled, priority, silent_after_s, requests_per_minute } = entry.settings;
    const settings: SourceSettings = {
      enabled: update.enabled ?? enabled,
      priority: update.priority ?? priority,
      silent_after_s: update.silent_after_s ?? silent_after_s,
      // Null is a value of its own: back to the source's own limit.
      requests_per_minute:
        update.requests_per_minute === undefined ? requests_per_minute : update.requests_per_minute,
      endpoints,
    };
    const { database, clock } = this.#parts.context;
    await database.transaction((tx) => {
      tx.write(
        `INSERT INTO market_sources (source, settings, updated_us) VALUES (?, ?, ?)
         ON CONFLICT (source) DO UPDATE SET settings = excluded.settings, updated_us = excluded.updated_us`,
        id,
        JSON.stringify(settings),
        clock.nowUs(),
      );
    });
    await this.#apply(entry, settings);
  }

  /** Looks after every source. */
  check(nowUs: number): void {
    for (const { source } of this.#entries.values()) source.check(nowUs);
  }

  async #apply(entry: Entry, settings: SourceSettings): Promise<void> {
    const { known } = entry;
    const made = ({ endpoints, requests_per_minute }: SourceSettings) =>
      JSON.stringify([endpoints, requests_per_minute]);
    const stays = made(settings) === made(entry.settings);
    entry.settings = settings;
    if (stays) {
      entry.source.set(settings.enabled, settings.silent_after_s * 1e6);
      return;
    }
    // An adapter learns its addresses and limits when it is made.
    const old = entry.source;
    await old.stop();
    entry.source = this.#make(known, settings);
    Object.assign(entry.source.counts, old.counts);
    entry.source.want(this.#wanted.get(known.id) ?? []);
  }

  #add(known: KnownSource, priority: number): Entry {
    const settings: SourceSettings = {
      enabled: known.enabled ?? true,
      priority,
      endpoints: {},
      silent_after_s: known.silentAfterS ?? SILENT_AFTER_S,
      requests_per_minute: null,
    };
    const entry = { known, settings, source: this.#make(known, settings) };
    this.#entries.set(known.id, entry);
    return entry;
  }

  #make({ id, factory }: KnownSource, settings: SourceSettings): Source {
    const { context, listener, random } = this.#parts;
    const adapter = factory({
      clock: context.clock,
      timers: systemTimers,
      log: context.log,
      credential: (name) => secret(name),
      endpoint: (name) => settings.endpoints[name],
      requestsPerMinute: settings.requests_per_minute ?? undefined,
      random: random ?? Math.random,
    });
    return new Source({
      id,
      adapter,
      clock: context.clock,
      listener,
      enabled: settings.enabled,
      silentAfterUs: settings.silent_after_s * 1e6,
    });
  }
}

/** Whether a credential is there; what is given twice, or in a file that cannot be read, is not. */
export function isPresent(name: string): boolean {
  try {
    return secret(name) !== undefined;
  } catch {
    return false;
  }
}

function mergedEndpoints(
  known: Readonly<Record<string, string>>,
  update: Readonly<Record<string, string | null>>,
): Record<string, string> {
  const merged: Record<string, string> = { ...known };
  const errors: FieldError[] = [];
  for (const [name, address] of Object.entries(update)) {
    if (address === null) delete merged[name];
    else if (isAddress(address)) merged[name] = address;
    else
      errors.push({
        pointer: `/endpoints/${name}`,
        expected: 'an address of http, https, ws or wss without user or password',
      });
  }
  if (errors.length > 0)
    throw new InvalidOptionError(`Expected ${errors[0]!.expected} for ${errors[0]!.pointer}`, errors);
  return merged;
}

function isAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return false;
  return ['http:', 'https:', 'ws:', 'wss:'].includes(url.protocol);
}
