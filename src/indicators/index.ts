// The public face of the indicators: definitions, streams, batch, and the feature vector of the engines.
export { default as atr } from './atr/def.ts';
export { default as bollinger } from './bollinger/def.ts';
export * from './define.ts';
export { default as ema } from './ema/def.ts';
export * from './feature-set.ts';
export { default as macd } from './macd/def.ts';
export * from './options.ts';
export * from './registry.ts';
export { default as rsi } from './rsi/def.ts';
export * from './stream.ts';
