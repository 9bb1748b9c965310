// Which hardware runs what; the door of the routing half of this folder, beside index.ts for what the machine is.
export {
  ACCELERATOR_OF,
  type Accelerator,
  type BreakerState,
  type BreakerStatus,
  PARTS,
  type Part,
  type Presence,
  SOUND,
} from './accelerator.ts';
export { Breaker, type BreakerOptions } from './breaker.ts';
export {
  type CalibratedRow,
  type Calibration,
  type CalibrationRead,
  calibrationPath,
  calibrationVersion,
  crossoversOf,
  type Fingerprint,
  readCalibration,
  writeCalibration,
} from './calibration.ts';
export { crossoverOf, median, type SizeTimes } from './crossover.ts';
export { expectedCrossover, isM4Max, type LargeCall } from './m4-max.ts';
export type {
  InferenceWork,
  KernelWork,
  LatencyClass,
  Route,
  TrainingWork,
  WorkloadProfile,
} from './profile.ts';
export { type Readings, type ThermalState, UNTOLD } from './readings.ts';
export { CORE_ML_BYTES, forEachPart, HardwareRouter, type RoutedRow, type RouterState } from './router.ts';
