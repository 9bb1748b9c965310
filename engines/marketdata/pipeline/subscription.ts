// A subscription: what somebody wants to hear, and the rules for a new one.
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { ConflictError, type FieldError, InvalidOptionError } from '../../../src/core/errors.ts';
import { type BarSpec, barSpecSchema } from '../../../src/market/aggregate/spec.ts';
import { symbolSchema } from '../../../src/market/symbol.ts';
import { ASKED, type Asked, type Offer, offers } from './kinds.ts';

export const MAX_SUBSCRIPTIONS = 1000;
const MINUTE_US = 60_000_000;
const DAY_US = 86_400_000_000;
/** Sources of a subscription that names none: one to publish, and one to compare with and to fall back on. */
export const CHOSEN = 2;

const symbol = symbolSchema.describe('instrument as this system calls it: BTC-USD');
const source = z.string().min(1).max(64);

export const subscriptionRequest = z.strictObject({
  symbol,
  kinds: z.array(z.enum(ASKED)).min(1).max(ASKED.length).describe('what to listen to'),
  sources: z
    .array(source)
    .min(1)
    .max(8)
    .optional()
    .describe(
      'sources, the best first; the two best that list the symbol and need no key that is missing when absent',
    ),
  native_symbols: z
    .record(source, z.string().min(1).max(64))
    .default({})
    .describe('name at a source, where its own rule does not give it'),
  interval_us: z
    .int()
    .min(1_000_000)
    .max(31 * DAY_US)
    .optional()
    .describe(
      'length of the bars of a source, for the kind bars; that which the symbol has already, else one minute when absent',
    ),
  bars: barSpecSchema.optional().describe('bars that are made here of the trades'),
  book_levels: z
    .int()
    .min(10)
    .max(5000)
    .optional()
    .describe(
      'levels of each side that a source is asked for, for the kind book: the least that it has and that holds them, else its most',
    ),
  store: z.boolean().default(true).describe('false: published, but kept nowhere'),
});
export type SubscriptionRequest = z.infer<typeof subscriptionRequest>;

export const subscription = z.object({
  subscription_id: z.string(),
  symbol: z.string(),
  kinds: z.array(z.enum(ASKED)),
  sources: z.array(z.string()),
  native_symbols: z.record(z.string(), z.string()),
  interval_us: z.int(),
  bars: barSpecSchema.optional(),
  book_levels: z.int().optional(),
  store: z.boolean(),
  created_us: z.int(),
});
export type Subscription = z.infer<typeof subscription>;

/** A source as the rules need it, in the order of its priority. */
export interface Choice extends Offer {
  readonly enabled: boolean;
  /** Whether everything is there that it cannot do without. */
  readonly usable: boolean;
  /** Lengths of bars that it has; null: any. */
  readonly intervalsUs: readonly number[] | null;
  /** Whether it has the symbol, which is then nobody else's; null where that is not known without asking it. */
  has(symbol: string): boolean | null;
}

/** Returns the sources that a request which names none may take, the best first. */
export function fittingOf(request: SubscriptionRequest, choices: readonly Choice[]): Choice[] {
  const asked = askedBy(request);
  const fitting = choices.filter(
    (choice) =>
      choice.enabled &&
      choice.usable &&
      choice.has(request.symbol) !== false &&
      asked.some((kind) => offers(kind, choice.live)),
  );
  const own = fitting.filter((choice) => choice.has(request.symbol) === true);
  return own.length > 0 ? own : fitting;
}

/** Bars that are made here need trades. */
export function askedBy({ kinds, bars }: Pick<SubscriptionRequest, 'kinds' | 'bars'>): readonly Asked[] {
  return bars && !kinds.includes('trades') ? [...kinds, 'trades'] : kinds;
}

/**
 * Returns from whom a new subscription hears, and the length of its bars. One that names no sources takes those `listed`: they have the
 * symbol. Throws InvalidOptionError for sources that are unknown, a symbol that none lists, kinds that none of them streams and bars of an
 * impossible length; ConflictError for bars of another length than those that the symbol has on `market.live_data`, and for bars of imbalance that
 * could not be told from others on `market.bars`.
 */
export function termsOf(
  request: SubscriptionRequest,
  choices: readonly Choice[],
  existing: readonly Subscription[],
  listed: readonly string[],
): Pick<Subscription, 'sources' | 'interval_us'> {
  const chosen = chosenOf(request, choices, listed);
  const interval_us = request.interval_us ?? usualInterval(request, chosen, existing);
  refuseSecondInterval({ ...request, interval_us }, existing);
  refuseAlike(request, existing);
  return { sources: chosen.map((c) => c.id), interval_us };
}

function chosenOf(
  request: SubscriptionRequest,
  choices: readonly Choice[],
  listed: readonly string[],
): Choice[] {
  const { kinds, sources: named } = request;
  const errors: FieldError[] = [];
  for (const [i, id] of (named ?? []).entries()) {
    if (!choices.some((c) => c.id === id))
      errors.push({ pointer: `/sources/${i}`, expected: 'a source of GET /sources', received: 'unknown' });
  }
  for (const id of Object.keys(request.native_symbols)) {
    if (!choices.some((c) => c.id === id))
      errors.push({ pointer: '/native_symbols', expected: 'names of sources of GET /sources' });
  }
  refuse(errors);
  const asked = askedBy(request);
  const chosen = (named ?? listed).flatMap((id) => choices.find((c) => c.id === id) ?? []);
  if (!named && chosen.length === 0 && fittingOf(request, choices).length > 0) {
    const expected = 'a symbol that a source lists; name the source, and its name there, to take another';
    refuse([{ pointer: '/symbol', expected, received: 'a symbol that none of them lists' }]);
  }
  for (const kind of asked) {
    if (chosen.some((c) => offers(kind, c.live))) continue;
    const pointer = kinds.includes(kind) ? `/kinds/${kinds.indexOf(kind)}` : '/bars';
    const able = named
      ? chosen
      : choices.filter((c) => c.enabled && c.usable && c.has(request.symbol) !== false);
    const streamed = ASKED.filter((one) => able.some((c) => offers(one, c.live))).join(', ');
    const received = streamed ? `none (${streamed} only)` : 'none';
    errors.push({ pointer, expected: `a source that streams ${kind} of ${request.symbol}`, received });
  }
  if (request.book_levels !== undefined && !kinds.includes('book'))
    errors.push({ pointer: '/book_levels', expected: 'no levels without the kind book' });
  if (request.bars?.unit === 'time' && (request.bars.interval < 1e6 || request.bars.interval > 31 * DAY_US))
    errors.push({ pointer: '/bars/interval', expected: 'from one second to 31 days in microseconds' });
  if (request.bars?.unit === 'time' && request.bars.align === 'session')
    errors.push({ pointer: '/bars/align', expected: 'epoch: sessions of live symbols are not known' });
  refuse(errors);
  return chosen;
}

// Who asks for bars without a length wants those that there are.
function usualInterval(
  { symbol, kinds }: SubscriptionRequest,
  chosen: readonly Choice[],
  existing: readonly Subscription[],
): number {
  if (!kinds.includes('bars')) return MINUTE_US;
  const other = existing.find((one) => one.symbol === symbol && one.kinds.includes('bars'));
  if (other) return other.interval_us;
  const lengths = chosen.find((choice) => offers('bars', choice.live))?.intervalsUs;
  return !lengths || lengths.includes(MINUTE_US) ? MINUTE_US : Math.min(...lengths);
}

/** Lengths of bars of time that a subscription puts on `market.live_data`. */
function intervalsOf({
  kinds,
  interval_us,
  bars,
}: Pick<Subscription, 'kinds' | 'interval_us'> & { readonly bars?: BarSpec | undefined }): number[] {
  const made = bars?.unit === 'time' ? [bars.interval] : [];
  return kinds.includes('bars') ? [interval_us, ...made] : made;
}

// Indicators and strategies keep one window for a symbol: bars of two lengths, or of two makers, would be mixed in it.
function refuseSecondInterval(
  request: SubscriptionRequest & Pick<Subscription, 'interval_us'>,
  existing: readonly Subscription[],
): void {
  if (request.kinds.includes('bars') && request.bars?.unit === 'time') {
    throw new InvalidOptionError(
      'Expected bars of a source or bars made of trades for one symbol, was both',
      [{ pointer: '/bars', expected: 'no bars of time beside the kind bars' }],
    );
  }
  const own = intervalsOf(request);
  for (const other of existing) {
    if (other.symbol !== request.symbol || own.length === 0) continue;
    const theirs = intervalsOf(other);
    const sameMaker = other.kinds.includes('bars') === request.kinds.includes('bars');
    if (theirs.length === 0 || (sameMaker && theirs[0] === own[0])) continue;
    const id = other.subscription_id;
    throw new ConflictError(
      sameMaker
        ? `Expected interval_us ${theirs[0]} for more bars of ${request.symbol}, was ${own[0]}: a symbol has bars of one length on market.live_data, and subscription ${id} has those`
        : `Expected no other bars of ${request.symbol} on market.live_data than those of subscription ${id}, which are ${other.kinds.includes('bars') ? 'of a source' : 'made of trades'}: delete it first`,
    );
  }
}

// A body of `market.bars` says the unit and the interval: bars of the same two, made otherwise, would be mixed for whoever reads them.
function refuseAlike({ symbol, bars }: SubscriptionRequest, existing: readonly Subscription[]): void {
  if (!bars) return;
  const alike = existing.find(
    (other) =>
      other.symbol === symbol &&
      other.bars?.unit === bars.unit &&
      other.bars.interval === bars.interval &&
      !isDeepStrictEqual(other.bars, bars),
  );
  if (alike)
    throw new ConflictError(
      `Expected bars of ${symbol} with the options of those of subscription ${alike.subscription_id}, which have the same unit and interval, or another interval, was other options`,
    );
}

function refuse(errors: readonly FieldError[]): void {
  if (errors.length === 0) return;
  throw new InvalidOptionError(
    errors
      .map((e) => `Expected ${e.expected} for ${e.pointer}${e.received ? `, was ${e.received}` : ''}`)
      .join('; '),
    errors,
  );
}
