// `nautilus subscribe`: prints market records as they come, one JSON object a line, for as long as it runs.
import { topics } from '../../bus/topics.ts';
import { DependencyUnavailableError, InvalidOptionError } from '../../core/errors.ts';
import { BoundedLines } from '../bounded-lines.ts';
import { commandKey, post, request, runningEngine } from '../http-client.ts';

export interface SubscribeOptions {
  readonly kinds: string;
  readonly source?: string;
  readonly intervalUs?: string;
  readonly count?: string;
  readonly listen?: boolean;
}

/** Topics of a group of kinds, the list of records in a body, and what one of them is called. */
const GROUPS: Readonly<
  Record<string, readonly (readonly [topic: string, list: string | null, kind: string])[]>
> = {
  trades: [[topics.marketTrades.name, 'trades', 'trade']],
  quotes: [[topics.marketQuotes.name, 'quotes', 'quote']],
  // The deltas of a book are in its topic; its best levels after them are what people read.
  book: [[topics.marketBooks.name, null, 'book']],
  bars: [
    [topics.marketLiveData.name, null, 'bar'],
    [topics.marketBars.name, 'bars', 'bar'],
  ],
  funding: [[topics.marketFunding.name, 'funding', 'funding']],
  reference: [
    [topics.marketReference.name, 'instruments', 'instrument'],
    [topics.marketReference.name, 'actions', 'corporate_action'],
  ],
  macro: [[topics.marketMacro.name, 'points', 'macro']],
  fundamentals: [[topics.marketFundamentals.name, 'facts', 'fundamental']],
};

interface Message {
  readonly topic: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Returns the records of a message as flat objects; none when it is of no group in `kinds`. */
export function recordsOf(message: Message, kinds: readonly string[]): Record<string, unknown>[] {
  const { topic, body } = message;
  return kinds
    .flatMap((group) => GROUPS[group] ?? [])
    .filter(([name]) => name === topic)
    .flatMap(([, list, kind]) => {
      if (list === null) {
        const { deltas: _, ...rest } = body;
        return [{ kind, ...rest }];
      }
      const { [list]: rows, symbol, source, unit, interval } = body;
      const bar = unit === undefined ? {} : { unit, interval };
      return (rows as object[]).map((row) => ({ kind, symbol, source, ...bar, ...row }));
    });
}

/** Subscribes, prints until Ctrl-C (or `--count` records), and takes the subscription back. Returns the exit code. */
export async function subscribeCommand(symbol: string, options: SubscribeOptions): Promise<number> {
  const kinds = options.kinds.split(',');
  const unknown = kinds.find((kind) => !Object.hasOwn(GROUPS, kind));
  if (unknown !== undefined)
    throw new InvalidOptionError(
      `Expected kinds of ${Object.keys(GROUPS).join(', ')} for --kinds, was another`,
    );
  const count = wholeOf('--count', options.count) ?? Number.POSITIVE_INFINITY;
  const intervalUs = wholeOf('--interval-us', options.intervalUs);
  const sources = options.source?.split(',');
  const base = runningEngine('marketdata');
  const stream = new MarketStream(`${runningEngine('websocket').replace('http', 'ws')}/ws`, symbol, kinds);
  const end = (why: Ending) => stream.end(why);
  const enough = Promise.withResolvers<void>();
  const stop = () => {
    end('stopped');
    enough.resolve();
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  // Whoever reads the lines has enough of them: `| head`.
  process.stdout.once('error', stop);
  const lines = new BoundedLines(process.stdout, (lost) =>
    console.error(`${lost} records were not printed: whoever reads them is too slow`),
  );
  let left = count;
  stream.onMessage = (message) => {
    for (const record of recordsOf(message, kinds)) {
      if (left === 0) return;
      lines.write(JSON.stringify(record));
      if (--left === 0) end('stopped');
    }
  };
  // Listening first: nothing that the subscription brings is missed.
  await stream.open();
  const made = options.listen
    ? undefined
    : await post<{ subscription_id: string; sources: readonly string[] }>(`${base}/subscriptions`, {
        symbol,
        kinds,
        ...(sources ? { sources } : {}),
        ...(intervalUs === undefined ? {} : { interval_us: intervalUs }),
      }).catch((error) => {
        end('stopped');
        throw error;
      });
  // Lines are records alone; without this one nobody knows whom a silent market comes from.
  if (made) console.error(`Listening to ${symbol} of ${made.sources.join(', ')}`);
  try {
    const ended = await stream.ended;
    if (left === 0) await Promise.race([lines.idle(), enough.promise]);
    return ended === 'stopped' ? 0 : 1;
  } finally {
    if (made) await request(`${base}/subscriptions/${made.subscription_id}`, { method: 'DELETE' });
  }
}

function wholeOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidOptionError(`Expected an integer of at least 1 for ${name}`);
  return value;
}

type Ending = 'stopped' | 'lost';

/** The stream of one symbol from the WebSocket engine. */
class MarketStream {
  onMessage: (message: Message) => void = () => {};
  readonly ended: Promise<Ending>;
  readonly #socket: WebSocket;
  readonly #frame: string;
  readonly #end: (why: Ending) => void;

  constructor(url: string, symbol: string, kinds: readonly string[]) {
    const names = [...new Set(kinds.flatMap((kind) => GROUPS[kind]!.map(([topic]) => topic)))];
    this.#frame = JSON.stringify({ type: 'subscribe', id: '1', topics: names, filter: { symbol: [symbol] } });
    const key = commandKey();
    this.#socket = new WebSocket(url, key === undefined ? [] : ['nautilus.v1', `nautilus.key.${key}`]);
    const { promise, resolve } = Promise.withResolvers<Ending>();
    this.ended = promise;
    this.#end = resolve;
  }

  /** Resolves when what is published from now on will come; rejects when the engine does not take the subscription. */
  open(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = this.#socket;
    socket.onopen = () => socket.send(this.#frame);
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(String(data));
      if (frame.type === 'ack') resolve();
      else if (frame.type === 'error') reject(new InvalidOptionError(frame.problem.detail));
      else if (frame.type === 'message') this.onMessage(frame);
      else if (frame.type === 'batch') frame.messages.forEach(this.onMessage);
      else if (frame.type === 'dropped')
        console.error(`${frame.count} messages were lost: this reader is too slow`);
    };
    socket.onclose = () => {
      reject(new DependencyUnavailableError('The websocket engine closed the connection'));
      this.end('lost');
    };
    return promise;
  }

  end(why: Ending): void {
    if (why === 'lost') console.error('The connection to the websocket engine is lost');
    this.#end(why);
    this.#socket.onclose = null;
    this.#socket.close();
  }
}
