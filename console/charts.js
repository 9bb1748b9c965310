// The two charts: candles with volume and fills, and the equity curve. uPlot is loaded by the page as a global.

export const { uPlot } = globalThis;

const css = getComputedStyle(document.documentElement);
export const color = (name) => css.getPropertyValue(`--${name}`).trim();
const UP = color('up');
const DOWN = color('down');
export const LINE = color('line');
export const AXIS = {
  stroke: color('dim'),
  grid: { stroke: color('grid'), width: 1 },
  ticks: { stroke: color('grid'), width: 1, size: 4 },
  font: '11px system-ui, sans-serif',
};

const SHARED = {
  tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), 'Etc/UTC'),
  legend: { show: false },
  padding: [8, 0, 0, 4],
};
// Below this width of one bar, in CSS pixels, candles run together and a line says more.
const CANDLE_PX = 3.5;
const TIMES = [
  [86_400, '{YYYY}-{MM}-{DD}', null, null, null, null, null, null, 1],
  [60, '{HH}:{mm}', '\n{YYYY}-{MM}-{DD}', null, '\n{MM}-{DD}', null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', '\n{YYYY}-{MM}-{DD}', null, '\n{MM}-{DD}', null, null, null, 1],
];

// Labels of times begin at their tick: centred ones would be cut off at the left edge.
const TIME_AXIS = { ...AXIS, values: TIMES, space: 90, align: 1 };

/** A chart that fills `element` and follows its size. */
export class Chart {
  constructor(element, options) {
    this.element = element;
    this.plot = new uPlot(
      { ...SHARED, ...options, ...this.size() },
      options.series.map(() => []),
      element,
    );
    new ResizeObserver(() => this.plot.setSize(this.size())).observe(element);
  }

  size() {
    return {
      width: Math.max(160, this.element.clientWidth),
      height: Math.max(80, this.element.clientHeight),
    };
  }
}

/** Candles (a line when there are many bars), volume at the foot, fills as triangles. */
export class PriceChart extends Chart {
  #fills = [];

  /** `onCursor(index | null)` is called with the bar under the pointer. */
  constructor(element, onCursor) {
    const hidden = { paths: () => null, points: { show: false }, stroke: 'transparent' };
    super(element, {
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: {
        x: { time: true, range: halfABarMore },
        y: { range: (_u, low, high) => padded(low, high, 0.28, 0.08) },
        volume: { range: (_u, _low, high) => [0, (high || 1) * 5] },
      },
      axes: [
        TIME_AXIS,
        { ...AXIS, side: 1, size: 72, values: (_u, ticks) => ticks.map((v) => axisPrice(v, ticks)) },
      ],
      series: [
        {},
        { ...hidden, scale: 'y' },
        { ...hidden, scale: 'y' },
        { ...hidden, scale: 'y' },
        {
          scale: 'y',
          stroke: LINE,
          width: 1.5,
          points: { show: false },
          paths: (u, i, a, b) => this.#line(u, i, a, b),
        },
        {
          scale: 'volume',
          stroke: 'transparent',
          fill: color('volume'),
          points: { show: false },
          paths: uPlot.paths.bars({ size: [0.7, 14] }),
        },
      ],
      hooks: {
        draw: [(u) => this.#drawCandles(u), (u) => this.#drawFills(u)],
        setCursor: [(u) => onCursor(u.cursor.idx ?? null)],
      },
    });
  }

  /** `columns`: seconds, open, high, low, close, volume; `fills`: {t in seconds, side}. */
  draw(columns, fills) {
    this.#fills = fills;
    this.plot.setData(columns);
  }

  #barWidth(u) {
    const n = u.data[0].length;
    return n > 1 ? u.bbox.width / n : 24;
  }

  #line(u, index, first, last) {
    const dense = this.#barWidth(u) < CANDLE_PX * devicePixelRatio;
    return dense ? uPlot.paths.linear()(u, index, first, last) : null;
  }

  #drawCandles(u) {
    const width = this.#barWidth(u);
    if (width < CANDLE_PX * devicePixelRatio) return;
    const [ts, open, high, low, close] = u.data;
    const body = Math.max(1, Math.min(Math.floor(width * 0.7), 18 * devicePixelRatio));
    const { ctx } = u;
    ctx.save();
    clip(u);
    for (let i = 0; i < ts.length; i++) {
      const x = Math.round(u.valToPos(ts[i], 'x', true));
      const y = (value) => Math.round(u.valToPos(value, 'y', true));
      const [top, foot] = close[i] >= open[i] ? [y(close[i]), y(open[i])] : [y(open[i]), y(close[i])];
      ctx.fillStyle = close[i] >= open[i] ? UP : DOWN;
      ctx.fillRect(x, y(high[i]), 1, Math.max(1, y(low[i]) - y(high[i])));
      ctx.fillRect(x - Math.floor(body / 2), top, body, Math.max(1, foot - top));
    }
    ctx.restore();
  }

  #drawFills(u) {
    const ts = u.data[0];
    if (ts.length === 0) return;
    const size = 5 * devicePixelRatio;
    const { ctx } = u;
    ctx.save();
    clip(u);
    for (const fill of this.#fills) {
      if (fill.t < ts[0] || fill.t > ts[ts.length - 1]) continue;
      const buy = fill.side === 'buy';
      // Beside the bar of the fill, clear of its candle.
      const bar = u.valToIdx(fill.t);
      const x = u.valToPos(ts[bar], 'x', true);
      const tip = u.valToPos(buy ? u.data[3][bar] : u.data[2][bar], 'y', true) + (buy ? 1 : -1) * size;
      const base = tip + (buy ? 1 : -1) * 1.8 * size;
      ctx.beginPath();
      ctx.moveTo(x, tip);
      ctx.lineTo(x - size, base);
      ctx.lineTo(x + size, base);
      ctx.closePath();
      ctx.fillStyle = buy ? UP : DOWN;
      ctx.strokeStyle = color('panel');
      ctx.lineWidth = 2 * devicePixelRatio;
      ctx.stroke();
      ctx.fill();
    }
    ctx.restore();
  }
}

/** Equity over event time, with the starting cash as a dashed line. */
export class EquityChart extends Chart {
  constructor(element) {
    super(element, {
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { x: { time: true }, y: { range: (_u, low, high) => padded(low, high, 0.08, 0.08) } },
      axes: [
        { ...TIME_AXIS, space: 64 },
        {
          ...AXIS,
          side: 1,
          size: 72,
          space: 28,
          values: (_u, ticks) => ticks.map((v) => axisPrice(v, ticks)),
        },
      ],
      series: [
        {},
        { stroke: LINE, width: 1.5, fill: color('line-fill'), points: { show: false } },
        { stroke: color('dim'), width: 1, dash: [4, 4], points: { show: false } },
      ],
    });
  }

  /** `columns`: seconds, equity, starting cash. */
  draw(columns) {
    this.plot.setData(columns);
  }
}

// Candles are as wide as their interval: the first and last need room for their outer halves.
function halfABarMore(u, low, high) {
  const n = u.data[0].length;
  const half = n > 1 ? (high - low) / (n - 1) / 2 : 30;
  return [low - half, high + half];
}

function clip(u) {
  const { left, top, width, height } = u.bbox;
  u.ctx.beginPath();
  u.ctx.rect(left, top, width, height);
  u.ctx.clip();
}

// Room below and above as shares of the span; a flat series gets a span of its own.
export function padded(low, high, below, above) {
  if (low === null || high === null) return [0, 1];
  const span = high - low || Math.abs(high) * 0.001 || 1;
  return [low - span * below, high + span * above];
}

function axisPrice(value, ticks) {
  const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : 1;
  const decimals = Math.min(8, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}
