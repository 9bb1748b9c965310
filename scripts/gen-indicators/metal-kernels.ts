// The Metal kernels of all indicators: their steps, translated, and one entry point for each.
import type { AnyIndicator } from '../../src/indicators/define.ts';
import { declaration, insideNamespace, translate } from './metal-dialect.ts';
import { pascal } from './names.ts';

const FOLDER = 'native/cpu/indicators';

/** Reads a file of the repository. */
export type Read = (path: string) => Promise<string>;

// What all steps share. The rule of an average and the base of two indicators have a form of their own here.
async function shared(read: Read): Promise<string> {
  const parts = async (name: string) => insideNamespace(await read(`${FOLDER}/${name}`), name);
  const cells = await parts('cells-inl.h');
  const windows = await read(`${FOLDER}/window-inl.h`);
  const functions = ['MeanOf(', 'SpanOf(', 'DeviationOf('].map((head) => declaration(windows, head));
  return [
    translate(await parts('prices-inl.h'), 'prices-inl.h'),
    translate(without(without(cells, 'struct EmaRule {'), 'struct RangeAndClose {'), 'cells-inl.h'),
    translate(functions.join('\n'), 'window-inl.h'),
  ].join('\n');
}

function blockOf(text: string, head: string): readonly [begin: number, end: number] {
  const at = text.indexOf(head);
  const end = text.indexOf('\n};\n', at);
  if (at < 0 || end < 0) throw new Error(`Expected ${head} and its end`);
  return [text.lastIndexOf('\n\n', at) + 2, end + 4];
}

function without(text: string, head: string): string {
  const [begin, end] = blockOf(text, head);
  return text.slice(0, begin) + text.slice(end);
}

/** Returns the members that a base struct gives its heirs: Metal's language has no heirs. */
function membersOf(cells: string, base: string): string {
  const [begin, end] = blockOf(cells, `struct ${base} {`);
  const block = cells.slice(begin, end);
  return block.slice(block.indexOf('{\n') + 2, block.lastIndexOf('};'));
}

function numberOf(text: string, name: string): number | undefined {
  const found = new RegExp(`constexpr \\w+ ${name} = (\\w+);`).exec(text);
  return found ? Number(found[1]) : undefined;
}

// What goes between the inputs of a bar and its update.
function beforeStruct(inputs: number, step: string): string {
  const derived = numberOf(step, 'kDerived');
  const bits = numberOf(step, 'kBefore') ?? 0;
  const kept = Array.from({ length: inputs }, (_, i) => i).filter((i) => (bits >> i) & 1);
  const passes = Array.from({ length: inputs }, (_, i) => `      to[${i}] = in[${i}];`);
  return [
    `  static constant constexpr int kRead = ${derived ?? inputs};`,
    '  struct Before {',
    ...(kept.length > 0 ? [`    float before[${inputs}];`] : []),
    '    template <class Visit>',
    '    void Fields(thread Visit& visit) thread {',
    ...(kept.length > 0
      ? kept.map((i) => `      VisitMember(visit, before[${i}]);`)
      : ['      (void)visit;']),
    '    }',
    '    void Push(thread const float* in, thread float* to) thread {',
    ...(derived === undefined
      ? passes
      : kept.length > 0
        ? ['      Derive(hn::Lane(), in, before, to);']
        : ['      Derive(hn::Lane(), in, in, to);']),
    ...kept.map((i) => `      before[${i}] = in[${i}];`),
    '    }',
    '  };',
  ].join('\n');
}

// A plan without rings has nothing to move.
function withMoves(text: string): string {
  return text.replace(/( *)struct Plan \{\n([\s\S]*?)\n?\1\};/, (whole, indent: string, body: string) =>
    body.includes('void Seek(')
      ? whole
      : `${indent}struct Plan {\n${body}\n${indent}  void Seek(long) thread {}\n${indent}  void Next() thread {}\n${indent}};`,
  );
}

function step(def: AnyIndicator, source: string, cells: string): string {
  const name = pascal(def.name);
  const heir = /struct \w+ : (\w+) \{\n/.exec(source);
  const own = heir ? source.replace(heir[0], `struct ${name} {\n${membersOf(cells, heir[1]!)}\n`) : source;
  const text = translate(own, `${def.name}-inl.h`);
  if (text.includes('kWindows')) return text;
  return withMoves(text).replace(
    `struct ${name} {\n`,
    (head) => `${head}${beforeStruct(def.inputs.length, text)}\n`,
  );
}

const LETTERS = (count: number) => Array.from({ length: count }, (_, i) => i);

function kernel(def: AnyIndicator, text: string): string {
  const name = pascal(def.name);
  const windowed = text.includes('kWindows');
  const inputs = def.inputs.length;
  const outputs = Object.keys(def.outputs).length;
  const parameters = [
    'constant uint* plan',
    'constant indicators::IndicatorParams& p',
    'device atomic_uint* broken',
    ...(windowed ? [] : ['device float* state']),
    ...def.inputs.map((input) => `device const float* ${input}`),
    ...LETTERS(outputs).map((i) => `device float* out${i}`),
  ].map((parameter, at) => `${parameter} [[buffer(${at})]]`);
  const body = [
    `  indicators::Inputs<${inputs}> in;`,
    ...def.inputs.map((input, i) => `  in.of[${i}] = ${input};`),
    `  indicators::Outputs<${outputs}> out;`,
    ...LETTERS(outputs).map((i) => `  out.of[${i}] = out${i};`),
  ];
  const counts = `${inputs}, ${outputs}`;
  const run = windowed
    ? `Run${text.includes('Prepare(') ? 'Prepared' : ''}Value<indicators::${name}, ${counts}>(plan, p, broken, in, out, place)`
    : `RunSeries<indicators::${name}, ${counts}>(plan, p, state, broken, in, out, place)`;
  return [
    `kernel void ${def.name}_f32(`,
    parameters.map((parameter) => `    ${parameter},\n`).join(''),
    `    ${windowed ? 'uint2' : 'uint'} place [[thread_position_in_grid]]) {\n`,
    `${body.join('\n')}\n  indicators::${run};\n}\n`,
  ].join('');
}

/** Returns the text of `native/metal/generated/indicators.metal` below its first line. */
export async function metalIndicators(defs: readonly AnyIndicator[], read: Read): Promise<string> {
  const cells = insideNamespace(await read(`${FOLDER}/cells-inl.h`), 'cells-inl.h');
  const steps = new Map<AnyIndicator, string>();
  for (const def of defs) {
    const path = `${def.name}-inl.h`;
    steps.set(def, step(def, insideNamespace(await read(`${FOLDER}/${path}`), path), cells));
  }
  return [
    '// Needs indicator_frame.metal before it.\n',
    'namespace indicators {\n',
    await shared(read),
    ...steps.values(),
    '}  // namespace indicators\n',
    ...[...steps].map(([def, text]) => kernel(def, text)),
  ].join('\n');
}
