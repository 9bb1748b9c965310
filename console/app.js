// The operator page: binds the state and the panels.
import { EquityChart, PriceChart } from './charts.js';
import * as format from './format.js';
import { runPage } from './page.js';
import { drawEngines, drawMoney, drawOptions, makeTables } from './panels.js';
import { applyMessage, applyReplay, applySnapshot, createState } from './state.js';
import { byId, setText } from './tables.js';

const WINDOWS = [60, 120, 300, 600];
const MAX_ROWS = 50;

const state = createState();
const view = { symbol: undefined, portfolio: undefined, picked: {}, bars: 120, cursor: null };
const tables = makeTables();
const priceChart = new PriceChart(byId('price-chart'), (index) => {
  view.cursor = index;
  drawReadout();
});
const equityChart = new EquityChart(byId('equity-chart'));

const TOPICS = [
  'market.live_data',
  'strategy.*',
  'portfolio.valuations',
  'analytics.metrics',
  'risk.portfolio_updates',
  'system.*',
];
const redraw = runPage('/snapshot', TOPICS, state, {
  applySnapshot,
  applyMessage,
  applyFrame(frame) {
    if (frame.type !== 'replay') return false;
    followReplay(frame);
    return true;
  },
  draw,
});

// Whoever starts a replay wants to see it.
function followReplay(frame) {
  applyReplay(state, frame);
  if (frame.state !== 'running') return;
  view.symbol = frame.symbol;
  view.portfolio = frame.portfolio_id;
  view.picked = {};
}

function draw(dirty, isLinked) {
  choose();
  if (dirty.has('head')) drawHead();
  if (dirty.has('engines')) drawEngines(state.engines, isLinked);
  if (dirty.has('market') || dirty.has('lists')) drawMarket();
  if (dirty.has('money')) drawPortfolio();
  if (dirty.has('lists')) drawLists();
}

// What the user picked stays while it exists; otherwise what is replayed comes first, then what trades, then any.
function choose() {
  const { symbols, portfolios, replay, fills } = state;
  const awaited = replay?.state === 'running';
  const found = (map, ...names) => names.find((name) => map.has(name));
  if (!portfolios.has(view.picked.portfolio) && !(awaited && replay.portfolio_id === view.portfolio)) {
    const ids = [...portfolios.keys()].sort();
    const traded = ids.filter((id) => (portfolios.get(id).valuation?.fills ?? 0) > 0);
    view.portfolio = found(portfolios, replay?.portfolio_id, ...traded, ...ids);
  }
  if (!symbols.has(view.picked.symbol) && !(awaited && replay.symbol === view.symbol)) {
    const traded = fills.find((fill) => fill.portfolio_id === view.portfolio)?.symbol;
    view.symbol = found(symbols, replay?.symbol, traded, view.symbol, ...[...symbols.keys()].sort());
  }
}

function drawHead() {
  setText(byId('version'), state.version);
  const pill = byId('replay');
  const { replay } = state;
  pill.dataset.tone = { running: 'busy', finished: 'good', aborted: 'warn' }[replay?.state] ?? 'idle';
  setText(
    pill,
    replay ? `replay ${replay.state}: ${replay.symbol}, ${format.count(replay.bars)} bars` : 'no replay',
  );
}

function drawMarket() {
  drawOptions(byId('symbol'), [...state.symbols.keys()].sort(), view.symbol);
  const series = state.symbols.get(view.symbol);
  const bars = series ? series.ts.length : 0;
  showChart('price', bars > 0);
  const tag = byId('source');
  tag.hidden = bars === 0;
  if (bars > 0) {
    const simulated = series.source === 'simulated';
    setText(
      tag,
      simulated ? 'simulated market' : series.source === 'replay' ? 'replayed history' : series.source,
    );
    tag.dataset.tone = simulated ? 'warn' : series.source === 'replay' ? 'busy' : 'good';
  }
  const n = Math.min(view.bars, bars);
  const last = (name) => (series ? series[name].slice(bars - n) : []);
  const seconds = last('ts').map((us) => us / 1e6);
  const fills = state.fills
    .filter((fill) => fill.symbol === view.symbol && fill.portfolio_id === view.portfolio)
    .map((fill) => ({ t: fill.ts_event_us / 1e6, side: fill.side }));
  priceChart.draw([seconds, last('open'), last('high'), last('low'), last('close'), last('volume')], fills);
  const close = last('close');
  const change = n > 1 ? close[n - 1] / close[0] - 1 : null;
  setText(byId('price'), n > 0 ? format.price(close[n - 1]) : '');
  const text =
    change === null ? '' : `${change < 0 ? '▼' : '▲'} ${format.signedPercent(change)} over ${n} bars`;
  setText(byId('change'), text);
  byId('change').className = `change ${change > 0 ? 'up' : change < 0 ? 'down' : ''}`;
  drawReadout();
}

function showChart(name, filled) {
  byId(`${name}-empty`).hidden = filled;
  byId(`${name}-chart`).classList.toggle('none', !filled);
}

function drawReadout() {
  const [ts, open, high, low, close, volume] = priceChart?.plot?.data ?? [[]];
  const i = view.cursor ?? ts.length - 1;
  if (i < 0 || ts[i] === undefined) return setText(byId('readout'), '');
  const figures = [
    ['O', format.price(open[i])],
    ['H', format.price(high[i])],
    ['L', format.price(low[i])],
    ['C', format.price(close[i])],
    ['V', format.volume(volume[i])],
  ];
  setText(byId('readout'), `${format.time(ts[i] * 1e6)}  ${figures.map((f) => f.join(' ')).join('  ')}`);
}

function drawPortfolio() {
  drawOptions(byId('portfolio'), [...state.portfolios.keys()].sort(), view.portfolio);
  const portfolio = state.portfolios.get(view.portfolio);
  drawMoney(portfolio);
  const positions = portfolio?.valuation?.positions ?? [];
  tables.positions.draw(positions.filter((position) => Number(position.quantity) !== 0));
  const ts = (portfolio?.ts ?? []).map((us) => us / 1e6);
  // One point is no curve.
  showChart('equity', ts.length > 1);
  const start = portfolio?.valuation ? Number(portfolio.valuation.starting_cash) : null;
  equityChart.draw([ts, portfolio?.value ?? [], ts.map(() => start)]);
}

function drawLists() {
  for (const name of ['signals', 'orders', 'fills']) {
    const own = state[name].filter((event) => event.portfolio_id === view.portfolio);
    tables[name].draw(own.slice(0, MAX_ROWS));
    const rejected = name === 'orders' ? own.filter((order) => order.status === 'rejected').length : 0;
    const suffix = rejected > 0 ? `, ${rejected} rejected` : '';
    setText(byId(`${name}-count`), own.length > 0 ? `latest ${Math.min(own.length, MAX_ROWS)}${suffix}` : '');
  }
}

byId('symbol').addEventListener('change', ({ target }) => {
  view.symbol = view.picked.symbol = target.value;
  redraw('market');
});
byId('portfolio').addEventListener('change', ({ target }) => {
  view.portfolio = view.picked.portfolio = target.value;
  redraw('money', 'lists');
});
for (const bars of WINDOWS) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = String(bars);
  button.title = `show ${bars} bars`;
  button.setAttribute('aria-pressed', String(bars === view.bars));
  button.addEventListener('click', () => {
    view.bars = bars;
    for (const other of byId('window').children) {
      other.setAttribute('aria-pressed', String(other === button));
    }
    redraw('market');
  });
  byId('window').append(button);
}
