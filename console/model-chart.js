// The losses of one training over its steps. uPlot is loaded by the page as a global.
import { AXIS, Chart, color, LINE, padded } from './charts.js';

/** Loss as a line, validation loss as a dashed one. */
export class LossChart extends Chart {
  constructor(element) {
    super(element, {
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { x: { time: false }, y: { range: (_u, low, high) => padded(low, high, 0.08, 0.08) } },
      axes: [
        { ...AXIS, space: 60 },
        { ...AXIS, side: 1, size: 72, space: 28, values: (_u, ticks) => ticks.map(shortNumber) },
      ],
      series: [
        {},
        { stroke: LINE, width: 1.5, points: { show: false } },
        { stroke: color('warn'), width: 1.5, dash: [5, 3], points: { show: false } },
      ],
    });
  }

  draw({ step, loss, validation_loss }) {
    this.plot.setData([step, loss, validation_loss]);
  }
}

function shortNumber(value) {
  return value === 0
    ? '0'
    : Math.abs(value) >= 1e-3 && Math.abs(value) < 1e4
      ? `${Number(value.toPrecision(4))}`
      : value.toExponential(1);
}
