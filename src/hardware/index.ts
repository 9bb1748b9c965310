// The machine: what it is and what it is doing; the only file of this folder that other modules import.
export { detectHardware } from './detect.ts';
export { type Placement, placeProcess, type Urgency } from './placement.ts';
export { type Cluster, type Hardware, hardwareSchema, type MetalFacts } from './schema.ts';
