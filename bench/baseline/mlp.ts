// A feed-forward network with ReLU in plain TypeScript: forecasts, and training by Adam on minibatches.

/** Layers [inputs, width] with a bias each; all but the last are followed by ReLU. Parameters are one vector: weights, bias, layer by layer. */
export class PlainMlp {
  readonly #widths: readonly number[];
  readonly #parameters: Float32Array;
  readonly #gradient: Float32Array;
  readonly #mean: Float32Array;
  readonly #square: Float32Array;
  /** Of each layer: values and their gradients, [rows of a batch, width]. */
  #values: Float32Array[] = [];
  #slopes: Float32Array[] = [];
  #step = 0;

  /** `widths` begin with the inputs; `parameters` are copied. */
  constructor(widths: readonly number[], parameters: Float32Array) {
    this.#widths = widths;
    this.#parameters = parameters.slice();
    this.#gradient = new Float32Array(parameters.length);
    this.#mean = new Float32Array(parameters.length);
    this.#square = new Float32Array(parameters.length);
  }

  /** Writes the outputs of each row of `inputs` to `out` [rows, width], one row after the other. */
  predict(inputs: Float32Array, rows: number, out: Float32Array): void {
    const [columns] = this.#widths as [number];
    const width = this.#widths.at(-1)!;
    this.#reserve(1);
    for (let row = 0; row < rows; row++) {
      this.#values[0]!.set(inputs.subarray(row * columns, (row + 1) * columns));
      this.#forward(1);
      out.set(this.#values.at(-1)!.subarray(0, width), row * width);
    }
  }

  /** One step of Adam (rate 0.001, memories 0.9 and 0.999) on some rows; returns their mean cross-entropy before it. */
  train(inputs: Float32Array, targets: Float32Array, rows: ArrayLike<number | bigint>): number {
    const [columns] = this.#widths as [number];
    const width = this.#widths.at(-1)!;
    const count = rows.length;
    this.#reserve(count);
    for (let i = 0; i < count; i++) {
      const row = Number(rows[i]);
      this.#values[0]!.set(inputs.subarray(row * columns, (row + 1) * columns), i * columns);
    }
    this.#forward(count);
    let loss = 0;
    const [scores, slopes] = [this.#values.at(-1)!, this.#slopes.at(-1)!];
    for (let i = 0; i < count; i++)
      loss += crossEntropy(scores, slopes, i * width, width, targets[Number(rows[i])]!, count);
    this.#backward(count);
    this.#adam();
    return loss / count;
  }

  #reserve(rows: number): void {
    if (this.#values[0] && this.#values[0].length >= rows * this.#widths[0]!) return;
    this.#values = this.#widths.map((width) => new Float32Array(rows * width));
    this.#slopes = this.#widths.map((width) => new Float32Array(rows * width));
  }

  #forward(rows: number): void {
    let at = 0;
    for (let layer = 1; layer < this.#widths.length; layer++) {
      const [inputs, width] = [this.#widths[layer - 1]!, this.#widths[layer]!];
      const weights = this.#parameters.subarray(at, at + inputs * width);
      const bias = this.#parameters.subarray(at + inputs * width, at + (inputs + 1) * width);
      at += (inputs + 1) * width;
      dense(this.#values[layer - 1]!, weights, bias, this.#values[layer]!, rows);
      if (layer < this.#widths.length - 1) rectify(this.#values[layer]!, rows * width);
    }
  }

  #backward(rows: number): void {
    let end = this.#parameters.length;
    for (let layer = this.#widths.length - 1; layer > 0; layer--) {
      const [inputs, width] = [this.#widths[layer - 1]!, this.#widths[layer]!];
      const from = end - (inputs + 1) * width;
      const [below, slopes] = [this.#values[layer - 1]!, this.#slopes[layer]!];
      slopesOfWeights(below, slopes, this.#gradient.subarray(from, end), rows, inputs);
      if (layer > 1) {
        const weights = this.#parameters.subarray(from, from + inputs * width);
        slopesOfInputs(slopes, weights, below, this.#slopes[layer - 1]!, rows, inputs);
      }
      end = from;
    }
  }

  #adam(): void {
    this.#step++;
    const rate = (0.001 * Math.sqrt(1 - 0.999 ** this.#step)) / (1 - 0.9 ** this.#step);
    const epsilon = 1e-8 * Math.sqrt(1 - 0.999 ** this.#step);
    const [p, g, m, v] = [this.#parameters, this.#gradient, this.#mean, this.#square];
    for (let i = 0; i < p.length; i++) {
      const slope = g[i]!;
      m[i] = 0.9 * m[i]! + 0.1 * slope;
      v[i] = 0.999 * v[i]! + 0.001 * slope * slope;
      p[i]! -= (rate * m[i]!) / (Math.sqrt(v[i]!) + epsilon);
    }
  }
}

function dense(
  x: Float32Array,
  weights: Float32Array,
  bias: Float32Array,
  out: Float32Array,
  rows: number,
): void {
  const width = bias.length;
  const inputs = weights.length / width;
  for (let row = 0; row < rows; row++) {
    const to = row * width;
    for (let j = 0; j < width; j++) out[to + j] = bias[j]!;
    for (let k = 0; k < inputs; k++) {
      const value = x[row * inputs + k]!;
      if (value === 0) continue;
      const from = k * width;
      for (let j = 0; j < width; j++) out[to + j]! += value * weights[from + j]!;
    }
  }
}

function rectify(x: Float32Array, count: number): void {
  for (let i = 0; i < count; i++) if (x[i]! < 0) x[i] = 0;
}

/** Writes the slopes of one row's scores by the mean loss; returns the loss of the row. */
function crossEntropy(
  scores: Float32Array,
  slopes: Float32Array,
  at: number,
  width: number,
  target: number,
  count: number,
): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let j = 0; j < width; j++) most = Math.max(most, scores[at + j]!);
  let sum = 0;
  for (let j = 0; j < width; j++) sum += Math.exp(scores[at + j]! - most);
  for (let j = 0; j < width; j++) {
    const share = Math.exp(scores[at + j]! - most) / sum;
    slopes[at + j] = (share - (j === target ? 1 : 0)) / count;
  }
  return Math.log(sum) + most - scores[at + target]!;
}

function slopesOfWeights(
  below: Float32Array,
  slopes: Float32Array,
  out: Float32Array,
  rows: number,
  inputs: number,
): void {
  const width = out.length / (inputs + 1);
  out.fill(0);
  for (let row = 0; row < rows; row++) {
    const from = row * width;
    for (let k = 0; k < inputs; k++) {
      const value = below[row * inputs + k]!;
      if (value === 0) continue;
      const to = k * width;
      for (let j = 0; j < width; j++) out[to + j]! += value * slopes[from + j]!;
    }
    const to = inputs * width;
    for (let j = 0; j < width; j++) out[to + j]! += slopes[from + j]!;
  }
}

/** Slopes of the layer below, 0 where its ReLU gave 0. */
function slopesOfInputs(
  slopes: Float32Array,
  weights: Float32Array,
  below: Float32Array,
  out: Float32Array,
  rows: number,
  inputs: number,
): void {
  const width = weights.length / inputs;
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < inputs; k++) {
      let sum = 0;
      if (below[row * inputs + k]! > 0)
        for (let j = 0; j < width; j++) sum += slopes[row * width + j]! * weights[k * width + j]!;
      out[row * inputs + k] = sum;
    }
  }
}
