// What the page knows: the snapshot, kept current by messages, in bounded buffers. No DOM here.

const BARS = 600;
const CURVE = 600;
const EVENTS = 100;
const SILENCE_MS = 3500;
const COLUMNS = ['ts', 'open', 'high', 'low', 'close', 'volume'];

/** Returns an empty state; `dirty` names the parts that have changed since they were drawn. */
export function createState() {
  return {
    version: '',
    engines: new Map(),
    symbols: new Map(),
    portfolios: new Map(),
    signals: [],
    orders: [],
    fills: [],
    replay: null,
    messages: 0,
    lost: 0,
    dirty: new Set(),
  };
}

/** Replaces everything by a snapshot. */
export function applySnapshot(state, snapshot) {
  state.version = snapshot.version;
  state.replay = snapshot.replay;
  state.engines = enginesOf(snapshot);
  state.symbols = new Map(
    snapshot.symbols.map(({ symbol, source, interval_us, bars }) => {
      const { ts_us, open, high, low, close, volume } = bars;
      return [symbol, { source, intervalUs: interval_us, ts: ts_us, open, high, low, close, volume }];
    }),
  );
  state.portfolios = new Map(
    snapshot.portfolios.map(({ portfolio_id, valuation, metrics, risk, equity }) => [
      portfolio_id,
      { valuation, metrics, risk, ts: equity.ts_us, value: equity.value, stride: equity.stride, since: 1 },
    ]),
  );
  state.signals = snapshot.signals;
  state.orders = snapshot.orders;
  state.fills = snapshot.fills;
  for (const part of ['head', 'engines', 'market', 'money', 'lists']) state.dirty.add(part);
}

/** Engines of a snapshot by name, with when each was heard on the clock of this page. */
export function enginesOf({ engines }) {
  const now = performance.now();
  return new Map(
    engines.map((line) => [line.engine, { ...line, heardMs: now - (line.silent_s ?? 0) * 1000 }]),
  );
}

/** Takes in one message of the stream. Messages that the snapshot already holds change nothing. */
export function applyMessage(state, { topic, ts_event_us, body }) {
  state.messages++;
  const handler = HANDLERS[topic];
  if (handler) handler(state, body, ts_event_us);
}

/** Takes in the course of a replay. */
export function applyReplay(state, { type: _type, ...replay }) {
  state.replay = replay;
  state.dirty.add('head');
  if (replay.state !== 'running') return;
  state.symbols.delete(replay.symbol);
  state.portfolios.delete(replay.portfolio_id);
  for (const list of ['signals', 'orders', 'fills']) {
    state[list] = state[list].filter((event) => event.portfolio_id !== replay.portfolio_id);
  }
  for (const part of ['market', 'money', 'lists']) state.dirty.add(part);
}

/** Status of an engine now: silence makes it `down` although nobody said so. */
export function statusOf(engine, nowMs) {
  if (engine.status === 'unknown' || engine.status === 'down') return engine.status;
  return nowMs - engine.heardMs > SILENCE_MS ? 'down' : engine.status;
}

const HANDLERS = {
  'market.live_data': takeBar,
  'portfolio.valuations': takeValuation,
  'analytics.metrics': (state, body) => takeOf(state, 'metrics', body),
  'risk.portfolio_updates': (state, body) => takeOf(state, 'risk', body),
  'strategy.signals': takeSignal,
  'strategy.orders': takeOrder,
  'strategy.fills': takeFill,
  'system.engines': takePresence,
  'system.lifecycle': takeLifecycle,
};

function takeBar(state, bar) {
  let series = state.symbols.get(bar.symbol);
  const last = series?.ts.at(-1);
  if (!series || bar.ts_event_us < last) {
    series = Object.fromEntries(COLUMNS.map((name) => [name, []]));
    state.symbols.set(bar.symbol, series);
  }
  series.source = bar.source;
  series.intervalUs = bar.interval_us;
  const replace = bar.ts_event_us === last;
  for (const name of COLUMNS) {
    const value = name === 'ts' ? bar.ts_event_us : bar[name];
    if (replace) series[name][series[name].length - 1] = value;
    else series[name].push(value);
  }
  // Cut rarely: a burst must not move 600 numbers for each of its bars.
  if (series.ts.length >= 2 * BARS) for (const name of COLUMNS) series[name] = series[name].slice(-BARS);
  if (state.replay?.state === 'running' && state.replay.symbol === bar.symbol) {
    if (!replace) state.replay.bars++;
    state.dirty.add('head');
  }
  state.dirty.add('market');
}

function portfolioOf(state, id) {
  let portfolio = state.portfolios.get(id);
  if (!portfolio) {
    portfolio = { valuation: null, metrics: null, risk: null, ts: [], value: [], stride: 1, since: 0 };
    state.portfolios.set(id, portfolio);
  }
  return portfolio;
}

function takeValuation(state, valuation, ts) {
  const portfolio = portfolioOf(state, valuation.portfolio_id);
  portfolio.valuation = valuation;
  pushPoint(portfolio, ['ts', 'value'], { ts, value: Number(valuation.equity) }, CURVE);
  state.dirty.add('money');
}

/**
 * Adds a point to a curve, by the same thinning as the engine's: the whole course in at most `limit` points, the newest exact. A curve has
 * columns by name, of which the first of `names` says where, its `stride`, and how many points came `since` the last that stays.
 */
export function pushPoint(curve, names, point, limit) {
  const places = curve[names[0]];
  const at = point[names[0]];
  const last = places.length - 1;
  if (last >= 0 && at < places[last]) return;
  const provisional = last > 0 && curve.since < curve.stride;
  if (last >= 0 && (at === places[last] || provisional)) {
    if (at !== places[last]) curve.since++;
    for (const name of names) curve[name][last] = point[name];
    return;
  }
  if (places.length >= limit) {
    for (const name of names) curve[name] = curve[name].filter((_, i) => i % 2 === 0);
    curve.stride *= 2;
  }
  for (const name of names) curve[name].push(point[name]);
  curve.since = 1;
}

function takeOf(state, part, body) {
  portfolioOf(state, body.portfolio_id)[part] = body;
  state.dirty.add('money');
}

function takeSignal(state, body, ts_event_us) {
  if (body.signal === 'HOLD') return;
  const same = (s) =>
    s.ts_event_us === ts_event_us &&
    s.portfolio_id === body.portfolio_id &&
    s.strategy === body.strategy &&
    s.symbol === body.symbol;
  if (state.signals.some(same)) return;
  unshift(state, 'signals', { ...body, ts_event_us });
}

function takeOrder(state, body, ts_event_us) {
  const known = state.orders.findIndex((order) => order.order_id === body.order_id);
  if (known >= 0) state.orders.splice(known, 1);
  unshift(state, 'orders', { ...body, ts_event_us });
}

function takeFill(state, body) {
  if (!state.fills.some((fill) => fill.fill_id === body.fill_id)) unshift(state, 'fills', body);
}

function unshift(state, list, event) {
  state[list].unshift(event);
  if (state[list].length > EVENTS) state[list].length = EVENTS;
  state.dirty.add('lists');
}

export function takePresence(state, body) {
  state.engines.set(body.engine, { ...body, heardMs: performance.now() });
  state.dirty.add('engines');
}

export function takeLifecycle(state, { engine, event, pid }) {
  const line = state.engines.get(engine);
  if (!line || (event !== 'exited' && event !== 'stopped')) return;
  if (pid !== null && pid !== line.pid) return;
  state.engines.set(engine, { ...line, status: 'down' });
  state.dirty.add('engines');
}
