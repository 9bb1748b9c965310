// The machine: what it is and what it is doing. Other modules import this file and routing.ts only.
export { detectHardware } from './detect.ts';
export { type Told, untold } from './facts.ts';
export { readerOf, readingsOf, samplerOf } from './machine.ts';
export { Monitor } from './monitor.ts';
export { type Placement, placeProcess, type Urgency } from './placement.ts';
export type { Moment, Reader } from './reading.ts';
export type { MachinePart, Sample } from './sampler.ts';
export { type Hardware, hardwareSchema, type MetalFacts } from './schema.ts';
export { type ServiceLevel, serviceLevelSchema } from './service-level.ts';
export { type Utilization, utilizationSchema } from './utilization.ts';
