// What the router wants to know of the machine's state; who reads it is not its business.

/** How hot the system says it is, in the words of macOS. */
export type ThermalState = 'nominal' | 'fair' | 'serious' | 'critical';

/** The state of the machine; null where the system does not tell. */
export interface Readings {
  readonly thermal: ThermalState | null;
  readonly onBattery: boolean | null;
  readonly lowPower: boolean | null;
}

/** A machine that tells nothing. */
export const UNTOLD: Readings = Object.freeze({ thermal: null, onBattery: null, lowPower: null });
