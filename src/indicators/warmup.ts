// Warm-up expressions: sums, differences and products of option names and integers, with max, min and isqrt.
import { InvariantError } from '../core/errors.ts';

/** A parsed expression. */
export type Expression =
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'option'; readonly name: string }
  | {
      readonly kind: '+' | '-' | '*' | 'max' | 'min' | 'isqrt';
      readonly operands: readonly Expression[];
    };

const FUNCTIONS = { max: 2, min: 2, isqrt: 1 } as const;

/**
 * Returns the tree of an expression such as `max(slow, fast) + 2 * signal - 1`; products bind before sums.
 * @throws InvariantError when it is no such expression.
 */
export function parseExpression(text: string): Expression {
  const tokens = text.match(/[a-z][A-Za-z0-9]*|\d+|[-+*(),]|\S/g) ?? [];
  let at = 0;
  const fail = (): never => {
    throw new InvariantError(`warm-up ${text}: unexpected ${tokens[at] ?? 'end'}`);
  };
  const take = (token: string): void => {
    if (tokens[at] !== token) fail();
    at++;
  };
  const term = (): Expression => {
    const token = tokens[at] ?? fail();
    at++;
    if (/^\d+$/.test(token)) return { kind: 'integer', value: Number(token) };
    if (token === '(') {
      const inner = sum();
      take(')');
      return inner;
    }
    if (!/^[a-z]/.test(token)) {
      at--;
      return fail();
    }
    if (!Object.hasOwn(FUNCTIONS, token)) return { kind: 'option', name: token };
    const name = token as keyof typeof FUNCTIONS;
    take('(');
    const operands = [sum()];
    while (operands.length < FUNCTIONS[name]) {
      take(',');
      operands.push(sum());
    }
    take(')');
    return { kind: name, operands };
  };
  const product = (): Expression => {
    let left = term();
    while (tokens[at] === '*') {
      at++;
      left = { kind: '*', operands: [left, term()] };
    }
    return left;
  };
  const sum = (): Expression => {
    let left = product();
    for (let sign = tokens[at]; sign === '+' || sign === '-'; sign = tokens[at]) {
      at++;
      left = { kind: sign, operands: [left, product()] };
    }
    return left;
  };
  const tree = sum();
  if (at < tokens.length) fail();
  return tree;
}

/**
 * Returns the value of an expression.
 * @throws InvariantError when it names something that is no option.
 */
export function evaluate(tree: Expression, options: Readonly<Record<string, number>>): number {
  if (tree.kind === 'integer') return tree.value;
  if (tree.kind === 'option') {
    const value = options[tree.name];
    if (value === undefined) throw new InvariantError(`no option ${tree.name} for a warm-up`);
    return value;
  }
  const [a = 0, b = 0] = tree.operands.map((operand) => evaluate(operand, options));
  switch (tree.kind) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case 'max':
      return Math.max(a, b);
    case 'min':
      return Math.min(a, b);
    case 'isqrt':
      return Math.floor(Math.sqrt(a));
  }
}
