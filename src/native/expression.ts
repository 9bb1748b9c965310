// Arithmetic over named counts, as the cost of a kernel is written in its definition: `2 * m * n * k`.
import { InvariantError } from '../core/errors.ts';

/** The value of an expression for given names. */
export type Expression = (values: Readonly<Record<string, number>>) => number;

const FUNCTIONS: Readonly<Record<string, (...values: number[]) => number>> = {
  log2: (value) => Math.log2(Math.max(value, 2)),
  min: Math.min,
  max: Math.max,
  sqrt: Math.sqrt,
};

/**
 * Returns the function of an expression made of numbers, the names of `known`, `+ - * /`, parentheses and the functions
 * log2 (at least 1), min, max, sqrt.
 * @throws InvariantError when it is not such an expression.
 */
export function parseExpression(text: string, known: ReadonlySet<string>): Expression {
  const tokens = text.match(/\d+(?:\.\d+)?(?:e\d+)?|[A-Za-z_]\w*|[-+*/(),]|\S/g) ?? [];
  let at = 0;
  const fail = (): never => {
    throw new InvariantError(`Expected an expression over ${[...known].join(', ')}, was ${text}`);
  };
  const take = (token: string): boolean => {
    if (tokens[at] !== token) return false;
    at++;
    return true;
  };
  const sum = (): Expression => {
    let left = product();
    for (;;) {
      const [one, plus] = [left, take('+')];
      if (!plus && !take('-')) return left;
      const other = product();
      left = plus ? (values) => one(values) + other(values) : (values) => one(values) - other(values);
    }
  };
  const product = (): Expression => {
    let left = factor();
    for (;;) {
      const [one, times] = [left, take('*')];
      if (!times && !take('/')) return left;
      const other = factor();
      left = times ? (values) => one(values) * other(values) : (values) => one(values) / other(values);
    }
  };
  const factor = (): Expression => {
    if (take('(')) {
      const inner = sum();
      return take(')') ? inner : fail();
    }
    const token = tokens[at++] ?? fail();
    if (/^\d/.test(token)) return () => Number(token);
    if (Object.hasOwn(FUNCTIONS, token) && take('(')) {
      const inner = [sum()];
      while (take(',')) inner.push(sum());
      if (!take(')')) fail();
      return (values) => FUNCTIONS[token]!(...inner.map((one) => one(values)));
    }
    if (!known.has(token)) fail();
    return (values) => values[token]!;
  };
  const whole = sum();
  return at === tokens.length ? whole : fail();
}
