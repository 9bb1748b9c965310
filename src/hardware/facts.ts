// A fact of the machine, or the reason why there is none; and groups of them as they are reported.

/** Why the system does not tell a fact. */
export class Untold {
  constructor(readonly reason: string) {}
}

/** A fact, or why there is none. */
export type Told<T> = T | Untold;

/** Returns the place of a fact that the system does not tell; `reason` says why, for people. */
export const untold = (reason: string): Untold => new Untold(reason);

/** Whether the system tells a fact. */
export const isTold = <T>(fact: Told<T>): fact is T => !(fact instanceof Untold);

/** Returns what `f` makes of a fact, or the reason why there is none. */
export function told<T, R>(fact: Told<T>, f: (value: T) => Told<R>): Told<R> {
  return isTold(fact) ? f(fact) : fact;
}

/** Returns a fact, or null where there is none. */
export const orNull = <T>(fact: Told<T>): T | null => (isTold(fact) ? fact : null);

/** Facts as they are reported: null where the system does not tell, with the reason in `reasons` under the same name. */
export type Group<F> = {
  [K in keyof F]: Exclude<F[K], Untold> | (Extract<F[K], Untold> extends never ? never : null);
} & { reasons: Record<string, string> };

/** Returns a group of facts with the reason for each that there is not. */
export function group<F extends Record<string, unknown>>(facts: F): Group<F> {
  const reasons: Record<string, string> = {};
  const values = Object.entries(facts).map(([name, fact]) => {
    if (!(fact instanceof Untold)) return [name, fact];
    reasons[name] = fact.reason;
    return [name, null];
  });
  return { ...Object.fromEntries(values), reasons } as Group<F>;
}

/** Returns `text` as a number where it is a finite one, else `why`. */
export function numberOf(text: string, why: string): Told<number> {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : untold(why);
}
