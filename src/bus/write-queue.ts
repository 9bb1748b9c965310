// A bounded queue of bytes in front of a socket: batches that do not fit are dropped oldest first, and counted.

interface WritableSocket {
  write(data: Uint8Array): number;
}

interface Entry {
  readonly bytes: Buffer;
  /** Messages in it; 0 for frames that must not be dropped. */
  readonly messages: number;
}

// Room is made in large steps: looking through a full queue for each frame would cost more than the frames.
const ROOM = 1 / 8;
// Small frames are joined, so that a burst costs few system calls.
const JOIN_BYTES = 256 * 1024;

/** Writes frames in order as the socket takes them. */
export class WriteQueue {
  #entries: Entry[] = [];
  #bytes = 0;
  // Dropped, and the peer does not know it yet.
  #untold = 0;
  #partial: Buffer | undefined;
  #scheduled = false;
  #onIdle: (() => void)[] = [];

  constructor(
    readonly socket: WritableSocket,
    readonly maxBytes: number,
    readonly onDropped: (messages: number) => void,
    /** The frame by which the peer is told how many messages it lost: made when it leaves, one for all losses until then. */
    readonly lossFrame?: (messages: number) => Buffer,
  ) {}

  get queuedBytes(): number {
    return this.#bytes;
  }

  push(bytes: Buffer, messages = 0): void {
    this.#entries.push({ bytes, messages });
    this.#bytes += bytes.length;
    if (this.#bytes > this.maxBytes) this.#dropOldest();
    if (!this.#scheduled && !this.#partial) {
      this.#scheduled = true;
      queueMicrotask(() => {
        this.#scheduled = false;
        this.flush();
      });
    }
  }

  /** Writes until the socket is full; call it again when the socket drains. */
  flush(): void {
    while (this.#partial || this.#entries.length > 0 || this.#untold > 0) {
      const chunk = this.#partial ?? this.#join();
      const written = this.socket.write(chunk);
      if (written < chunk.length) {
        this.#partial = written > 0 ? chunk.subarray(written) : chunk;
        return;
      }
      this.#partial = undefined;
    }
    for (const done of this.#onIdle.splice(0)) done();
  }

  /** Resolves when everything pushed so far has been handed to the socket. */
  idle(): Promise<void> {
    if (!this.#partial && this.#entries.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  /** Gives up on a socket that is gone: what is queued is lost, and whoever waits for it stops waiting. */
  abandon(): void {
    this.#entries = [];
    this.#bytes = 0;
    this.#untold = 0;
    this.#partial = undefined;
    for (const done of this.#onIdle.splice(0)) done();
  }

  #join(): Buffer {
    if (this.#untold > 0) {
      const frame = this.lossFrame!(this.#untold);
      this.#untold = 0;
      return frame;
    }
    const first = this.#entries[0]!.bytes;
    let count = 1;
    let size = first.length;
    while (count < this.#entries.length && size + this.#entries[count]!.bytes.length <= JOIN_BYTES) {
      size += this.#entries[count++]!.bytes.length;
    }
    const taken = this.#entries.splice(0, count);
    this.#bytes -= size;
    return count === 1
      ? first
      : Buffer.concat(
          taken.map((e) => e.bytes),
          size,
        );
  }

  #dropOldest(): void {
    let dropped = 0;
    const kept: Entry[] = [];
    const newest = this.#entries.at(-1)!;
    for (const entry of this.#entries) {
      const most = entry === newest ? this.maxBytes : this.maxBytes * (1 - ROOM);
      if (this.#bytes > most && entry.messages > 0) {
        this.#bytes -= entry.bytes.length;
        dropped += entry.messages;
      } else kept.push(entry);
    }
    this.#entries = kept;
    if (dropped === 0) return;
    if (this.lossFrame) this.#untold += dropped;
    this.onDropped(dropped);
  }
}
