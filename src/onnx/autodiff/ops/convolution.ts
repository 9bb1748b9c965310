// Convolution and pooling along one axis of x [rows, channels, length].
import { InvalidOptionError, ShapeMismatchError } from '../../../core/errors.ts';
import { record, type Tensor } from '../tape.ts';
import { mean } from './arithmetic.ts';
import { reshape, slice, transpose } from './shapes.ts';

/** How a kernel moves: zeros before and after, steps between its places, steps between its elements. */
export interface ConvolutionOptions {
  readonly before?: number;
  readonly after?: number;
  readonly stride?: number;
  readonly dilation?: number;
}

/**
 * Returns the convolution of x [rows, inputs, length] with weight [outputs, inputs, width] (without a flip, as networks
 * have it): [rows, outputs, places]. Throws ShapeMismatchError when channels differ or the kernel is longer than the series.
 */
export function conv1d(x: Tensor, weight: Tensor, options: ConvolutionOptions = {}): Tensor {
  const { before = 0, after = 0, stride = 1, dilation = 1 } = options;
  const [rows, inputs, length] = x.shape as [number, number, number];
  const [outputs, channels, width] = weight.shape as [number, number, number];
  const spare = length + before + after - dilation * (width - 1) - 1;
  if (x.rank !== 3 || weight.rank !== 3 || channels !== inputs || spare < 0) {
    throw new ShapeMismatchError(
      `Expected [rows, inputs, length] and [outputs, inputs, width <= length], was [${x.shape}] and [${weight.shape}]`,
    );
  }
  const places = Math.floor(spare / stride) + 1;
  const pads = { ints: [before, after] };
  const moves = (strides: number, dilations: number) => ({
    pads,
    strides: { ints: [strides] },
    dilations: { ints: [dilations] },
  });
  const y = x.tape.emit('Conv', [x, weight], [rows, outputs, places], moves(stride, dilation));
  return record([x, weight], y, (dy) => [
    () => {
      const attributes = { ...moves(stride, dilation), output_padding: { ints: [spare % stride] } };
      return x.tape.emit('ConvTranspose', [dy, weight], x.shape, attributes);
    },
    () => {
      // The same kind of sum with rows in place of channels; the places of `dy` are the elements of the kernel.
      const [a, b] = [transpose(x, [1, 0, 2]), transpose(dy, [1, 0, 2])];
      const found = Math.floor((length + before + after - stride * (places - 1) - 1) / dilation) + 1;
      const full = x.tape.emit('Conv', [a, b], [inputs, outputs, found], moves(dilation, stride));
      return transpose(found === width ? full : slice(full, 2, 0, width), [1, 0, 2]);
    },
  ]);
}

/** Returns x [rows, channels, length] as windows [rows, channels, length / window, window]. */
function windows(x: Tensor, window: number): Tensor {
  const [rows, channels, length] = x.shape as [number, number, number];
  if (x.rank !== 3 || length % window !== 0) {
    throw new InvalidOptionError(`Expected a window that divides the length ${length}, was ${window}`);
  }
  return reshape(x, [rows, channels, length / window, window]);
}

/** Returns the mean of each window of `window` elements, which don't overlap: [rows, channels, length / window]. */
export function averagePool(x: Tensor, window: number): Tensor {
  const [rows, channels, length] = x.shape as [number, number, number];
  return reshape(mean(windows(x, window), [3]), [rows, channels, length / window]);
}

/** Returns the largest of each window of `window` elements, which don't overlap. Equal largest share the gradient. */
export function maxPool(x: Tensor, window: number): Tensor {
  const { tape } = x;
  const [rows, channels, length] = x.shape as [number, number, number];
  const parts = windows(x, window);
  const shape = parts.shape.with(3, 1);
  const largest = tape.emit('ReduceMax', [parts, tape.integers([3])], shape, { keepdims: { int: 1 } });
  const pooled = record([parts], largest, (dy) => [
    () => {
      const equal = tape.emit('Equal', [parts, largest], parts.shape, undefined, 'bool');
      const is = tape.emit('Cast', [equal], parts.shape, { to: { int: 1 } });
      const count = tape.emit('ReduceSum', [is, tape.integers([3])], shape, { keepdims: { int: 1 } });
      const share = tape.emit('Div', [dy, count], shape);
      return tape.emit('Mul', [is, share], parts.shape);
    },
  ]);
  return reshape(pooled, [rows, channels, length / window]);
}
