// Names of the committed models that answer for any symbol.

/** Horizons that have generic models, shortest first, with their length in minutes. */
export const GENERIC_HORIZONS: Readonly<Record<string, number>> = { '15m': 15, '1h': 60, '1d': 1440 };

/** Types of models that have generic ones. */
export const GENERIC_TYPES = ['trading_signals', 'price_prediction'] as const;
export type GenericType = (typeof GENERIC_TYPES)[number];

/** Returns the id of a generic model. */
export function genericId(type: GenericType, horizon: string): string {
  return `${type.replaceAll('_', '-')}-generic-${horizon}`;
}
