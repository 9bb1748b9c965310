// The page's link to its engine: one WebSocket that comes back by itself, and the snapshot it starts from.

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
const SNAPSHOT_AGAIN_MS = 1000;

/** Keeps the link up. Calls back: `snapshot(data)`, `frame(frame)` in order, `status(text, tone)`. */
export class Link {
  #callbacks;
  #socket;
  #attempts = 0;
  #heartbeatMs = 15_000;
  #watchdog;
  // Frames that came while a snapshot is on its way; undefined when none is.
  #waiting;
  #again;

  constructor(callbacks) {
    this.#callbacks = callbacks;
  }

  /** Connects, now and after every loss. */
  open() {
    const socket = new WebSocket(new URL('/ws', location.href.replace(/^http/, 'ws')));
    this.#socket = socket;
    this.#callbacks.status('connecting', 'idle');
    socket.onmessage = ({ data }) => this.#onFrame(socket, JSON.parse(data));
    socket.onclose = () => this.#onClose(socket);
  }

  #onFrame(socket, frame) {
    if (socket !== this.#socket) return;
    this.#watch(socket);
    if (frame.type === 'welcome') {
      this.#heartbeatMs = frame.heartbeat_interval_ms;
      // Subscribed first, so that nothing is missed between the snapshot and the stream.
      socket.send(JSON.stringify({ type: 'subscribe', id: 'page', topics: TOPICS }));
      this.#waiting = [];
    } else if (frame.type === 'ack' && frame.id === 'page') {
      void this.#load(socket);
    } else if (this.#waiting) {
      this.#waiting.push(frame);
    } else {
      this.#callbacks.frame(frame);
    }
    if (frame.type === 'dropped') this.#reloadSoon(socket);
  }

  async #load(socket) {
    this.#waiting ??= [];
    try {
      const response = await fetch('/snapshot');
      if (!response.ok) throw new Error(`snapshot: ${response.status}`);
      const snapshot = await response.json();
      if (socket !== this.#socket) return;
      this.#callbacks.snapshot(snapshot);
      this.#attempts = 0;
      this.#callbacks.status('live', 'good');
      const frames = this.#waiting;
      this.#waiting = undefined;
      for (const frame of frames) this.#callbacks.frame(frame);
    } catch {
      socket.close();
    }
  }

  // What was lost on the way is in the snapshot.
  #reloadSoon(socket) {
    if (this.#again !== undefined) return;
    this.#again = setTimeout(() => {
      this.#again = undefined;
      if (socket === this.#socket) void this.#load(socket);
    }, SNAPSHOT_AGAIN_MS);
  }

  #watch(socket) {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => {
      socket.onclose = null;
      socket.close();
      this.#onClose(socket);
    }, 3 * this.#heartbeatMs);
  }

  #onClose(socket) {
    if (socket !== this.#socket) return;
    clearTimeout(this.#watchdog);
    this.#socket = undefined;
    this.#waiting = undefined;
    const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#attempts++);
    // Spread, so that many pages do not come back at the same moment.
    const delayMs = longest * (0.75 + Math.random() * 0.25);
    this.#countDown(performance.now() + delayMs);
    setTimeout(() => this.open(), delayMs);
  }

  #countDown(untilMs) {
    if (this.#socket) return;
    const left = Math.ceil((untilMs - performance.now()) / 1000);
    if (left <= 0) return;
    this.#callbacks.status(`connection lost, again in ${left} s`, 'bad');
    setTimeout(() => this.#countDown(untilMs), 250);
  }
}

const TOPICS = [
  'market.live_data',
  'strategy.*',
  'portfolio.valuations',
  'analytics.metrics',
  'risk.portfolio_updates',
  'system.*',
];
