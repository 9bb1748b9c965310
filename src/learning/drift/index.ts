// Drift: sketches of tables, their comparison, detectors on streams, the quality of a table.
export { Adwin, type AdwinJson, type AdwinOptions } from './adwin.ts';
export { CategorySketch } from './category-sketch.ts';
export { compareSketches } from './compare.ts';
export { Ddm, type DdmJson, type DdmOptions } from './ddm.ts';
export { NumericSketch } from './numeric-sketch.ts';
export { PageHinkley, type PageHinkleyJson, type PageHinkleyOptions } from './page-hinkley.ts';
export { QUALITY_THRESHOLDS, type QualityOptions, type QualityTable, qualityReport } from './quality.ts';
export { TableSketch, type TableSketchJson } from './table-sketch.ts';
export * from './types.ts';
