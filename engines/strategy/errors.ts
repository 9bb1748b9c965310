// The error of the order path: a pre-trade check that refuses.
import { NautilusError } from '../../src/core/errors.ts';
import type { Breach } from '../../src/trading/checks.ts';

/**
 * 422 `/problems/risk-limit`: the order would break limits. Names the first broken one with its value, threshold and
 * headroom, the largest quantity that all limits let pass, and every breach. The order is on record as rejected.
 */
export class RiskLimitError extends NautilusError {
  constructor(orderId: string, breaches: readonly Breach[], maxQuantity: string) {
    const { limit, value, threshold, headroom } = breaches[0]!;
    super('risk-limit', 422, 'Risk limit', breaches.map((breach) => breach.message).join('; '), {
      order_id: orderId,
      limit,
      value,
      threshold,
      headroom,
      max_quantity: maxQuantity,
      breaches,
    });
  }
}
