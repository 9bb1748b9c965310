// Every place of a Metal source where a small mistake could be made, and the mistake: what the parity tests have to notice.

/** One mistake. */
export interface Mutant {
  /** Which kind of mistake it is. */
  readonly operator: string;
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

// A statement is a simple one, or a loop or a condition with its simple or braced body (one level of braces more within).
const BRACES = String.raw`\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}`;
const HEAD = String.raw`(?:for|if|while) \((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\s*`;
const STATEMENT = String.raw`(?:(?:${HEAD})*(?:${BRACES}|(?!(?:for|if|while|else|threadgroup_barrier|simdgroup_barrier|return)\b)\w[^;{}]*;))`;
const BARRIER = String.raw`(?:threadgroup|simdgroup)_barrier\([^)]*\);`;
const BARRIER_AFTER = new RegExp(String.raw`(?<=[;{}]\s*)(${STATEMENT})\s*(${BARRIER})`, 'g');
const BARRIER_BEFORE = new RegExp(String.raw`(${BARRIER})\s*(${STATEMENT})`, 'g');

const OPERATORS: readonly Operator[] = [
  swap('bound', { ' < ': ' <= ', ' <= ': ' < ', ' > ': ' >= ', ' >= ': ' > ' }),
  swap('comparison', {
    ' == ': ' != ',
    ' != ': ' == ',
    'hn::Eq(': 'hn::Ge(',
    'hn::Gt(': 'hn::Lt(',
    'hn::Lt(': 'hn::Gt(',
  }),
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
  { name: 'barrier removed', pattern: new RegExp(BARRIER, 'g'), rewrite: () => [';'] },
  {
    // Before the statement that it stands behind.
    name: 'barrier moved',
    pattern: BARRIER_AFTER,
    rewrite: ([, before, barrier]) => [`${barrier} ${before}`],
  },
  {
    // Behind the statement that it stands before.
    name: 'barrier moved',
    pattern: BARRIER_BEFORE,
    rewrite: ([, barrier, behind]) => [`${behind} ${barrier}`],
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

const isInLoopHead = (code: string, at: number): boolean =>
  /\b(?:for|while) \([^{}]*$/.test(code.slice(Math.max(0, at - 120), at));

/** Returns every mutant of a source, in the order of the text. A swap of bindings gives two kernel arguments one place. */
export function mutantsOf(text: string): readonly Mutant[] {
  const blank = (match: string) => ' '.repeat(match.length);
  const code = text.replaceAll(SKIPPED, (match) => match.replaceAll(/[^\n]/g, blank));
  const found: Mutant[] = [];
  for (const { name, pattern, rewrite } of OPERATORS) {
    for (const match of code.matchAll(pattern)) {
      for (const changed of rewrite(match, code)) {
        found.push({
          operator: name === 'bound' && isInLoopHead(code, match.index) ? 'loop bound' : name,
          from: match.index,
          to: match.index + match[0].length,
          text: changed,
        });
      }
    }
  }
  return found.sort((a, b) => a.from - b.from);
}
