// Every place of a Metal source where a small mistake could be made, and the mistake: what the parity tests have to notice.

/** One mistake. */
export interface Mutant {
  /** Which kind of mistake it is. */
  readonly operator: string;
  /** The function or struct around it: a kernel, a helper, an indicator. */
  readonly unit: string;
  /** From 1. */
  readonly line: number;
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

// What is no code: comments, lines of the preprocessor, templates' heads, and attributes other than bindings.
const SKIPPED = /\/\/[^\n]*|^#[^\n]*|^\s*template <[^\n]*|\[\[(?!buffer)[^\]]*\]\]|^using [^\n]*/gm;

type Rewrite = (found: RegExpExecArray, code: string) => readonly string[];
interface Operator {
  readonly name: string;
  readonly pattern: RegExp;
  readonly rewrite: Rewrite;
}

const swap = (name: string, pairs: Readonly<Record<string, string>>): Operator => ({
  name,
  pattern: new RegExp(
    Object.keys(pairs)
      .map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .sort((a, b) => b.length - a.length)
      .join('|'),
    'g',
  ),
  rewrite: ([word]) => [pairs[word!]!],
});

const OPERATORS: readonly Operator[] = [
  swap('bound', { ' < ': ' <= ', ' <= ': ' < ', ' > ': ' >= ', ' >= ': ' > ' }),
  swap('comparison', { ' == ': ' != ', ' != ': ' == ', 'hn::Eq(': 'hn::Ge(', 'hn::Gt(': 'hn::Lt(', 'hn::Lt(': 'hn::Gt(' }),
  swap('logic', { ' && ': ' || ', ' || ': ' && ' }),
  swap('arithmetic', {
    ' + ': ' - ',
    ' - ': ' + ',
    ' * ': ' + ',
    ' / ': ' * ',
    ' % ': ' / ',
    ' += ': ' -= ',
    ' -= ': ' += ',
    'hn::Add(': 'hn::Sub(',
    'hn::Sub(': 'hn::Add(',
    'hn::Mul(': 'hn::Add(',
    'hn::Div(': 'hn::Mul(',
  }),
  swap('function', {
    'hn::Max(': 'hn::Min(',
    'hn::Min(': 'hn::Max(',
    'hn::Neg(': '(',
    'hn::Abs(': '(',
    'IfThenElseZero(': 'IfThenZeroElse(',
    'IfThenZeroElse(': 'IfThenElseZero(',
    'fma(': 'max(0.0f, ',
    ' max(': ' min(',
    ' min(': ' max(',
    'simd_sum(': '(',
  }),
  {
    // Not of a vector's component, a name or an attribute.
    name: 'constant',
    pattern: /(?<![\w.])(\d+)(\.\d+(?:e-?\d+)?f|u)?(?![\w.])/g,
    rewrite: ([, whole, rest]) => [`${Number(whole) + 1}${rest ?? ''}`],
  },
  {
    name: 'index',
    pattern: /(?<=\w)\[(?!k[A-Z]|Spec::)([^[\]]*[a-z_][^[\]]*)\](?=[^;{]*[;)])/g,
    rewrite: ([, at]) => [`[(${at}) + 1]`, `[(${at}) - 1]`],
  },
  { name: 'barrier removed', pattern: /threadgroup_barrier\([^)]*\);/g, rewrite: () => [';'] },
  {
    name: 'barrier moved',
    pattern: /\n([^\n;{}]*;)\s*\n\s*(threadgroup_barrier\([^)]*\);)/g,
    rewrite: ([, before, barrier]) => [`\n${barrier}\n${before}`],
  },
  {
    name: 'binding',
    pattern: /\[\[buffer\((\d+)\)\]\]/g,
    rewrite: ([, at]) => [`[[buffer(${Number(at) + 1})]]`],
  },
  {
    name: 'address space',
    pattern: /\b(device|threadgroup) (?=(?:const )?(?:float|uint|T)\b)/g,
    rewrite: ([, space]) => [space === 'device' ? 'threadgroup ' : 'device '],
  },
];

// The nearest function, struct or kernel that begins in the first column, or one that a namespace indents not at all.
function unitAt(text: string, at: number): string {
  const heads = [...text.slice(0, at).matchAll(/^(?:struct (\w+)|kernel void (\w+)|(?:inline )?[\w:<>]+ (\w+)\()/gm)];
  const last = heads.at(-1);
  return last?.[1] ?? last?.[2] ?? last?.[3] ?? 'file';
}

/** Returns every mutant of a source, in the order of the text. A swap of bindings gives two kernel arguments one place. */
export function mutantsOf(text: string): readonly Mutant[] {
  const blank = (match: string) => ' '.repeat(match.length);
  const code = text.replaceAll(SKIPPED, (match) => match.replaceAll(/[^\n]/g, blank));
  const found: Mutant[] = [];
  for (const { name, pattern, rewrite } of OPERATORS) {
    for (const match of code.matchAll(pattern)) {
      for (const changed of rewrite(match, code)) {
        found.push({
          operator: name,
          unit: unitAt(code, match.index),
          line: code.slice(0, match.index).split('\n').length + (match[0].startsWith('\n') ? 1 : 0),
          from: match.index,
          to: match.index + match[0].length,
          text: changed,
        });
      }
    }
  }
  return found.sort((a, b) => a.from - b.from);
}

/** Returns the source with the mistake in it. */
export const mutated = (text: string, { from, to, text: changed }: Mutant): string =>
  text.slice(0, from) + changed + text.slice(to);
