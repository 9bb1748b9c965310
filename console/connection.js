// The page's link to its engine: one WebSocket that comes back by itself, and the snapshot it starts from.

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
const SNAPSHOT_AGAIN_MS = 1000;
// The key lives as long as the tab, and goes neither into addresses nor to other pages.
const KEY_ITEM = 'nautilus.key';
const KEY_FORM = /^nk_\w{5,8}_[\w-]{43}$/;

/**
 * Keeps the link up. Calls back: `snapshot(data)`, `frame(frame)` in order, `status(text, tone)`, and
 * `askKey(isWrong)` for a promise of an API key when the engine wants one.
 */
export class Link {
  #callbacks;
  #path;
  #topics;
  #socket;
  #attempts = 0;
  #heartbeatMs = 15_000;
  #watchdog;
  // Frames that came while a snapshot is on its way; undefined when none is.
  #waiting;
  #again;

  /** `path`: of the snapshot; `topics`: what is streamed after it. */
  constructor(path, topics, callbacks) {
    this.#path = path;
    this.#topics = topics;
    this.#callbacks = callbacks;
  }

  /** Connects, now and after every loss. */
  open() {
    // A page cannot give a WebSocket headers: the key is offered as a protocol, of which the engine accepts the first.
    const key = sessionStorage.getItem(KEY_ITEM);
    const protocols = key === null ? [] : ['nautilus.v1', `nautilus.key.${key}`];
    const socket = new WebSocket(new URL('/ws', location.href.replace(/^http/, 'ws')), protocols);
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
      socket.send(JSON.stringify({ type: 'subscribe', id: 'page', topics: this.#topics }));
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
      const response = await get(this.#path);
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
    void this.#comeBack();
  }

  async #comeBack() {
    // Why a handshake was refused is hidden from pages, so that a route is asked.
    const response = await get('/connections?limit=1').catch(() => undefined);
    if (response?.status === 401) return this.#authenticate();
    const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#attempts++);
    // Spread, so that many pages do not come back at the same moment.
    const delayMs = longest * (0.75 + Math.random() * 0.25);
    this.#countDown(performance.now() + delayMs);
    setTimeout(() => this.open(), delayMs);
  }

  async #authenticate() {
    let isWrong = sessionStorage.getItem(KEY_ITEM) !== null;
    sessionStorage.removeItem(KEY_ITEM);
    this.#callbacks.status('needs an API key', 'bad');
    for (;;) {
      const key = (await this.#callbacks.askKey(isWrong)).trim();
      isWrong = true;
      if (!KEY_FORM.test(key)) continue;
      sessionStorage.setItem(KEY_ITEM, key);
      return this.open();
    }
  }

  #countDown(untilMs) {
    if (this.#socket) return;
    const left = Math.ceil((untilMs - performance.now()) / 1000);
    if (left <= 0) return;
    this.#callbacks.status(`connection lost, again in ${left} s`, 'bad');
    setTimeout(() => this.#countDown(untilMs), 250);
  }
}

function get(path) {
  const key = sessionStorage.getItem(KEY_ITEM);
  const headers = key === null ? {} : { authorization: `Bearer ${key}` };
  return fetch(path, { headers, signal: AbortSignal.timeout(LONGEST_DELAY_MS) });
}
