// What the tests of the WebSocket engine share: an engine, clients that read, and sockets that do not.
import { connect, type Socket } from 'node:net';
import definition, { websocketEngine } from '../../engines/websocket/index.ts';
import type { SocketLimits } from '../../engines/websocket/lib/connections.ts';
import { TestEngine, topics, walkBars } from './engine.ts';
import { eventually } from './eventually.ts';

// Frames have many shapes.
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Frame = any;

/** A well-behaved client that keeps every frame it gets. */
export class Client {
  readonly frames: Frame[] = [];
  closed: { code: number; reason: string } | undefined;
  readonly #socket: WebSocket;

  private constructor(url: string, headers: Record<string, string>) {
    this.#socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, { headers } as never);
    this.#socket.onmessage = (event) => void this.frames.push(JSON.parse(event.data as string));
    this.#socket.onclose = ({ code, reason }) => {
      this.closed = { code, reason };
    };
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<Client> {
    const client = new Client(url, headers);
    await eventually(() => client.closed !== undefined || client.frames.length > 0, 'a welcome or a close');
    return client;
  }

  send(frame: unknown): void {
    this.#socket.send(typeof frame === 'string' || frame instanceof Buffer ? frame : JSON.stringify(frame));
  }

  /** Sends a frame and returns the reply with its id. */
  async ask(frame: { id: string; [member: string]: unknown }): Promise<Frame> {
    this.send(frame);
    return this.until((f) => f.id === frame.id);
  }

  async until(condition: (frame: Frame) => boolean): Promise<Frame> {
    await eventually(() => this.frames.some(condition), 'a frame');
    return this.frames.find(condition);
  }

  /** Messages so far with their numbers, out of batches too. */
  messages(): Frame[] {
    return this.frames.flatMap((f) => {
      if (f.type === 'message') return [f];
      return f.type === 'batch' ? f.messages.map((m: Frame, i: number) => ({ ...m, seq: f.seq + i })) : [];
    });
  }

  close(): void {
    this.#socket.close();
  }
}

/** One engine with everything that is connected to it. */
export class Harness {
  readonly #clients: Client[] = [];
  readonly #sockets: Socket[] = [];

  private constructor(readonly engine: TestEngine) {}

  static async start(limits?: Partial<SocketLimits>): Promise<Harness> {
    return new Harness(await TestEngine.start(limits ? websocketEngine(limits) : definition));
  }

  async open(headers: Record<string, string> = {}): Promise<Client> {
    const client = await Client.open(this.engine.url, headers);
    this.#clients.push(client);
    return client;
  }

  publishBars(symbol: string, count: number): void {
    for (const bar of walkBars(symbol, count)) {
      const body = { ...bar, source: 'simulated' };
      this.engine.bus.publish(topics.marketLiveData, body, { tsEventUs: bar.ts_event_us });
    }
  }

  publishQuote(symbol: string, bid: string): void {
    const quote = {
      ts_event_us: 1,
      ts_receive_us: 1,
      sequence: null,
      flags: [],
      bid,
      bid_size: '1',
      ask: null,
      ask_size: null,
    };
    this.engine.bus.publish(topics.marketQuotes, { symbol, source: 's', quotes: [quote] });
  }

  /** A handshake whose client reads and answers nothing. */
  async silentSocket(): Promise<{ socket: Socket; closed: () => boolean }> {
    const { engine } = this;
    const socket = connect(Number(new URL(engine.url).port), '127.0.0.1');
    this.#sockets.push(socket);
    let closed = false;
    socket.on('close', () => {
      closed = true;
    });
    socket.on('error', () => {});
    const key = 'dGhlIHNhbXBsZSBub25jZQ==';
    socket.write(
      `GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
    await eventually(async () => (await engine.get('/connections')).body.count > 0, 'an open connection');
    return { socket, closed: () => closed };
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    for (const socket of this.#sockets) socket.destroy();
    await this.engine.stop();
  }
}

/** A masked text frame, as clients have to send them (RFC 6455, section 5.2), with a mask of zeros. */
export function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}
