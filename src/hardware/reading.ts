// What a sampler reads from a system: counters that only grow, and values of the moment.
import type { Told } from './facts.ts';
import type { ThermalPressure } from './utilization.ts';

/** Time of one logical core since the machine started, in any unit. */
export interface CoreTime {
  readonly id: number;
  readonly busy: number;
  readonly total: number;
}

/** A counter of energy in microjoules that begins again at 0 after `range`. */
export interface Energy {
  readonly microjoules: number;
  readonly range: number;
}

/** What only grows; two of these make a use. */
export interface Counters {
  readonly cores: Told<readonly CoreTime[]>;
  /** Microseconds that control groups held threads back. */
  readonly throttledUs: Told<number>;
  /** Bytes that went through memory. */
  readonly memoryTraffic: Told<number>;
  readonly packages: Told<readonly Energy[]>;
  readonly dram: Told<readonly Energy[]>;
}

/** Values of the moment. */
export interface Moment {
  readonly cpu: { readonly stalled: Told<number> };
  readonly memory: {
    readonly total: Told<number>;
    readonly available: Told<number>;
    readonly limit: Told<number>;
    readonly limitUsed: Told<number>;
    readonly pressure: Told<'normal' | 'warning' | 'critical'>;
    readonly stalled: Told<number>;
  };
  readonly gpu: {
    readonly utilization: Told<number>;
    readonly memoryUsed: Told<number>;
    readonly memoryTotal: Told<number>;
    readonly celsius: Told<number>;
    readonly watts: Told<number>;
  };
  readonly temperature: { readonly cpu: Told<number>; readonly pressure: Told<ThermalPressure> };
  readonly power: { readonly onBattery: Told<boolean>; readonly lowPower: Told<boolean> };
}

/** Reads one system. Neither call throws. */
export interface Reader {
  counters(): Counters;
  moment(): Moment | Promise<Moment>;
}
