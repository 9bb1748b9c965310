// The public face of the indicators: definitions, batch, streams, and the feature vector of the engines.
export * from './catalogue.ts';
export { compute, computePanel, computePanelAsync, type Panel, type PanelResult } from './compute.ts';
export * from './define.ts';
export * from './feature-set.ts';
export * from './options.ts';
export * from './registry.ts';
export * from './stream.ts';
