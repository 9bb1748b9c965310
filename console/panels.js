// The parts of the page made of text: engine tiles, money, tables. Data only ever becomes textContent.
import * as format from './format.js';
import { statusOf } from './state.js';
import { byId, element, setText, Table } from './tables.js';

const TONES = { healthy: 'good', degraded: 'warn', stopping: 'warn', down: 'bad', unknown: 'idle' };
const tiles = new Map();

/** One tile for each engine, in order of port. */
export function drawEngines(engines, linked) {
  const now = performance.now();
  const sorted = [...engines.values()].sort(
    (a, b) => (a.port ?? 1e5) - (b.port ?? 1e5) || (a.engine < b.engine ? -1 : 1),
  );
  for (const engine of sorted) {
    const tile = tiles.get(engine.engine) ?? makeTile(engine.engine);
    const status = linked ? statusOf(engine, now) : 'unknown';
    const alive = status !== 'down' && status !== 'unknown';
    tile.root.dataset.tone = TONES[status] ?? 'idle';
    setText(tile.status, status === 'unknown' && !linked ? 'no word' : status);
    setText(tile.port, engine.port === null ? '' : `:${engine.port}`);
    setText(tile.uptime, alive ? `up ${format.duration(engine.uptime_s)}` : NOTHING);
    setText(tile.memory, alive ? format.megabytes(engine.rss_bytes) : NOTHING);
    tile.root.title = engine.missing.length > 0 ? `lacks ${engine.missing.join(', ')}` : '';
  }
  const order = sorted.map((engine) => tiles.get(engine.engine).root);
  const root = byId('engines');
  if (order.some((tile, i) => root.children[i] !== tile)) root.replaceChildren(...order);
}

const NOTHING = '';

function makeTile(name) {
  const root = element('article', 'tile');
  const parts = { root, port: element('span', 'port'), status: element('span', 'status') };
  const title = element('h2');
  title.textContent = name;
  parts.uptime = element('span');
  parts.memory = element('span');
  const head = element('div');
  head.append(title, parts.port);
  const foot = element('div', 'foot');
  foot.append(parts.uptime, parts.memory);
  root.append(head, parts.status, foot);
  root.dataset.engine = name;
  tiles.set(name, parts);
  return parts;
}

/** Fills a select with names and keeps its choice. */
export function drawOptions(select, names, chosen) {
  const same = select.options.length === names.length && names.every((n, i) => select.options[i].value === n);
  if (!same) select.replaceChildren(...names.map((name) => new Option(name, name)));
  if (chosen !== undefined && select.value !== chosen) select.value = chosen;
  select.disabled = names.length === 0;
}

const direction = (value) => (Number(value) > 0 ? 'up' : Number(value) < 0 ? 'down' : '');

/** Equity, profit and loss, and the figures below them. */
export function drawMoney(portfolio) {
  const v = portfolio?.valuation;
  const total = v ? Number(v.equity) - Number(v.starting_cash) : null;
  setText(byId('equity'), format.money(v?.equity));
  setText(byId('pnl'), format.signedMoney(total));
  byId('pnl').className = direction(total);
  setText(byId('pnl-percent'), v ? format.signedPercent(total / Number(v.starting_cash)) : '');
  const { metrics, risk } = portfolio ?? {};
  drawStats([
    ['Realised', format.signedMoney(v?.realised_pnl), direction(v?.realised_pnl)],
    ['Unrealised', format.signedMoney(v?.unrealised_pnl), direction(v?.unrealised_pnl)],
    ['Fees', format.money(v?.fees), ''],
    ['Cash', format.money(v?.cash), ''],
    ['Drawdown', format.percent(risk?.drawdown), ''],
    ['Max drawdown', format.percent(metrics?.max_drawdown), ''],
    ['Sharpe', format.ratio(metrics?.sharpe_ratio), ''],
    ['Fills', v ? format.count(v.fills) : format.NONE, ''],
  ]);
  const badge = byId('risk');
  badge.hidden = !risk;
  if (!risk) return;
  badge.dataset.tone = { ok: 'good', warning: 'warn', breach: 'bad' }[risk.status];
  setText(badge, `limits: ${risk.status}`);
  badge.title = risk.limits.map((l) => `${l.limit}: ${l.value} of ${l.threshold} (${l.status})`).join('\n');
}

function drawStats(stats) {
  const root = byId('stats');
  while (root.children.length < stats.length) {
    const cell = element('div');
    cell.append(element('dt'), element('dd'));
    root.append(cell);
  }
  stats.forEach(([label, value, tone], i) => {
    const [term, figure] = root.children[i].children;
    setText(term, label);
    setText(figure, value);
    if (figure.className !== tone) figure.className = tone;
  });
}

const sideOf = (side) => (/^buy$/i.test(side) ? ['▲ BUY', 'up'] : ['▼ SELL', 'down']);
const STATUS_TONES = { filled: 'up', rejected: 'down', cancelled: 'dim', accepted: '' };

/** The four tables, by what they show. */
export function makeTables() {
  const when = [
    'Time (UTC)',
    'time',
    (row) => [format.shortTime(row.ts_event_us), '', format.time(row.ts_event_us)],
  ];
  const symbol = ['Symbol', '', (row) => row.symbol];
  return {
    positions: new Table(
      byId('positions'),
      [
        ['Position', '', (p) => p.symbol],
        ['Quantity', 'num', (p) => [format.quantity(p.quantity), direction(p.quantity)]],
        ['Average', 'num', (p) => format.price(p.average_price)],
        ['Mark', 'num', (p) => format.price(p.mark_price)],
        ['Unrealised', 'num', (p) => [format.signedMoney(p.unrealised_pnl), direction(p.unrealised_pnl)]],
      ],
      'No open position',
    ),
    signals: new Table(
      byId('signals'),
      [
        when,
        symbol,
        ['Side', '', (s) => sideOf(s.signal)],
        ['Price', 'num', (s) => format.price(s.price)],
        ['Why', 'why', (s) => [s.reason, '', `${s.strategy}: ${s.reason}`]],
      ],
      'No signal yet',
    ),
    orders: new Table(
      byId('orders'),
      [
        when,
        symbol,
        ['Side', '', (o) => sideOf(o.side)],
        ['Quantity', 'num', (o) => format.quantity(o.quantity)],
        ['Price', 'num', (o) => (o.limit_price === null ? 'market' : format.price(o.limit_price))],
        ['Status', 'why', (o) => [statusText(o), STATUS_TONES[o.status] ?? '', o.reasons.join('\n')]],
      ],
      'No order yet',
    ),
    fills: new Table(
      byId('fills'),
      [
        when,
        symbol,
        ['Side', '', (f) => sideOf(f.side)],
        ['Quantity', 'num', (f) => format.quantity(f.quantity)],
        ['Price', 'num', (f) => format.price(f.price)],
        ['Fee', 'num', (f) => format.money(f.fee)],
      ],
      'No fill yet',
    ),
  };
}

function statusText({ status, reasons }) {
  return reasons.length > 0 ? `${status}: ${reasons.join('; ')}` : status;
}
