// Every operation that networks are made of. Each has its checks in checks.ts.
export * from './ops/activations.ts';
export * from './ops/arithmetic.ts';
export * from './ops/attention.ts';
export * from './ops/convolution.ts';
export * from './ops/dropout.ts';
export * from './ops/linear.ts';
export * from './ops/losses.ts';
export * from './ops/recurrent.ts';
export * from './ops/shapes.ts';
