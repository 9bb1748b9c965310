// TWS as its API speaks, for tests: the socket protocol of version 176 for what is used of it.
import { createServer, type Server, type Socket } from 'node:net';

const VERSION = 176;
const [START_API, REQ_CONTRACT, REQ_HISTORICAL, REQ_TICKS, CANCEL_TICKS] = ['71', '9', '20', '97', '98'];

/** One request for bars, by the names of the API. */
export interface BarsAsked {
  readonly symbol: string;
  readonly secType: string;
  readonly exchange: string;
  readonly currency: string;
  readonly end: string;
  readonly size: string;
  readonly duration: string;
  readonly shown: string;
}

/** Answers a request for bars with rows of time, open, high, low, close, volume, average and count, or with an error. */
export type Bars = (
  asked: BarsAsked,
) => readonly (readonly unknown[])[] | { readonly code: number; readonly message: string };

export class TwsDouble {
  readonly asked: BarsAsked[] = [];
  /** Subscriptions tick by tick by their number: symbol and kind. */
  readonly ticks = new Map<string, string>();
  connections = 0;
  clientId = '';
  /** Refuses subscriptions of this symbol. */
  refused = '';
  /** Whether another program has the number of the client. */
  taken = false;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #bars: Bars;

  private constructor(bars: Bars) {
    this.#bars = bars;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Listens on a free port. */
  static async listen(bars: Bars = () => []): Promise<TwsDouble> {
    const double = new TwsDouble(bars);
    await new Promise<void>((resolve) => double.#server.listen(0, '127.0.0.1', resolve));
    return double;
  }

  get port(): string {
    return String((this.#server.address() as { port: number }).port);
  }

  /** Sends a message to all who are connected. */
  send(...fields: readonly unknown[]): void {
    for (const socket of this.#sockets) write(socket, fields);
  }

  /** Number of the subscription to a symbol and kind (`AAPL AllLast`). */
  numberOf(what: string): string | undefined {
    return [...this.ticks].find(([, each]) => each === what)?.[0];
  }

  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  get open(): number {
    return this.#sockets.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.drop();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    let buffer = Buffer.alloc(0);
    let greeted = false;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.ticks.clear();
    });
    socket.on('data', (data: Buffer) => {
      buffer = Buffer.concat([buffer, data]);
      if (!greeted && buffer.subarray(0, 4).toString() === 'API\0') {
        // `v100..193`, the versions that the client knows.
        if (buffer.length < 8 || buffer.length < 8 + buffer.readInt32BE(4)) return;
        buffer = buffer.subarray(8 + buffer.readInt32BE(4));
        greeted = true;
        write(socket, [VERSION, '20240308 09:30:00 EST']);
      }
      while (buffer.length >= 4 && buffer.length >= 4 + buffer.readInt32BE(0)) {
        const size = buffer.readInt32BE(0);
        const fields = buffer
          .subarray(4, 4 + size)
          .toString()
          .split('\0')
          .slice(0, -1);
        buffer = buffer.subarray(4 + size);
        this.#heard(socket, fields);
      }
    });
  }

  #heard(socket: Socket, fields: readonly string[]): void {
    const [kind, id] = fields as [string, string];
    if (kind === START_API) {
      this.clientId = fields[2]!;
      if (this.taken) {
        write(socket, [4, 2, -1, 326, 'Unable to connect as the client id is already in use.', '']);
        socket.end();
        return;
      }
      write(socket, [15, 1, 'DU0000001']);
      write(socket, [9, 1, 1]);
    } else if (kind === REQ_CONTRACT) {
      const [number, symbol, secType, currency] = [fields[2], fields[4], fields[5], fields[12]];
      if (symbol === this.refused) {
        write(socket, [4, 2, number, 200, 'No security definition has been found', '']);
        return;
      }
      write(socket, [10, number, ...details(symbol!, secType!, currency!)]);
      write(socket, [52, 1, number]);
    } else if (kind === REQ_HISTORICAL) {
      const [symbol, secType, exchange, currency] = [fields[3]!, fields[4]!, fields[9]!, fields[11]!];
      const [end, size, duration, shown] = [fields[15]!, fields[16]!, fields[17]!, fields[19]!];
      const asked = { symbol, secType, exchange, currency, end, size, duration, shown };
      this.asked.push(asked);
      const answer = this.#bars(asked);
      if ('code' in answer) write(socket, [4, 2, id, answer.code, answer.message, '']);
      else write(socket, [17, id, 'start', 'end', answer.length, ...answer.flat()]);
    } else if (kind === REQ_TICKS) {
      const symbol = fields[3]!;
      if (symbol === this.refused)
        write(socket, [4, 2, id, 354, 'Requested market data is not subscribed.', '']);
      else this.ticks.set(id, `${symbol} ${fields.at(-3)}`);
    } else if (kind === CANCEL_TICKS) this.ticks.delete(id);
  }
}

/** The fields of contract details in their order: of them only symbol, type, exchanges, currency, steps and kind of stock are used. */
function details(symbol: string, secType: string, currency: string): unknown[] {
  const named = [symbol, secType, '', 0, '', 'SMART', currency, symbol, 'NMS', 'NMS', 265598, 0.01, ''];
  const traded = [
    'LMT,MKT',
    'SMART,NASDAQ',
    1,
    0,
    'APPLE INC',
    'NASDAQ',
    '',
    'Technology',
    'Computers',
    'Computers',
  ];
  const hours = ['US/Eastern', '20240308:0400-20240308:2000', '20240308:0930-20240308:1600', '', 0, 0];
  return [...named, ...traded, ...hours, 1, '', '', '26', '', 'COMMON', 0.0001, 0.0001, 100];
}

/** A message is its length in four bytes and fields that end with a zero byte each. */
function write(socket: Socket, fields: readonly unknown[]): void {
  const body = Buffer.from(`${fields.join('\0')}\0`);
  const head = Buffer.alloc(4);
  head.writeInt32BE(body.length);
  socket.write(Buffer.concat([head, body]));
}
