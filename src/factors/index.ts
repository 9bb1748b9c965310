// The public face of the factors: definitions, panel, values and cross-section.
export * from './compute.ts';
export * from './define.ts';
export * from './panel.ts';
export * from './rank.ts';
export * from './registry.ts';
