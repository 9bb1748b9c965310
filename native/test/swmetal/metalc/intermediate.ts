// The intermediate code of a source: who calls whom, and where its threadgroup variables are.
import { CompileError } from './clang.ts';

/** Returns for each function defined in `code` the symbols that its body names. */
export function callGraph(code: string): Map<string, Set<string>> {
  const graph = new Map<string, Set<string>>();
  let called: Set<string> | undefined;
  for (const line of code.split('\n')) {
    if (line.startsWith('define ')) {
      called = new Set();
      graph.set(/@"?([^"( ]+)"?\(/.exec(line)![1]!, called);
    } else if (line === '}') {
      called = undefined;
    } else if (called && line.includes('@')) {
      for (const match of line.matchAll(/@"?([\w.$]+)"?/g)) called.add(match[1]!);
    }
  }
  return graph;
}

/** Throws `CompileError` when a function calls itself, directly or through others, which MSL leaves out. */
export function checkRecursion(graph: ReadonlyMap<string, ReadonlySet<string>>): void {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (name: string): void => {
    if (path.includes(name)) throw new CompileError(`error: recursion: ${[...path, name].join(' calls ')}`);
    const called = graph.get(name);
    if (!called || done.has(name)) return;
    path.push(name);
    for (const next of called) visit(next);
    path.pop();
    done.add(name);
  };
  for (const name of graph.keys()) visit(name);
}

/** Returns the functions that reach a barrier or a simdgroup operation. */
export function meetingFunctions(graph: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
  const meeting = new Set(['swm_barrier', 'swm_simd_meet']);
  for (let before = 0; before !== meeting.size; ) {
    before = meeting.size;
    for (const [name, called] of graph) {
      for (const next of called) if (meeting.has(next)) meeting.add(name);
    }
  }
  return meeting;
}

// A kernel is C by linkage, so its local variable v is _ZZ<length><kernel>E<length>v.
const THREADGROUP = /^@(_ZZ(\d+)(\w+)) = internal global (.+) undef, align \d+$/gm;

/**
 * Returns `code` with a list of the threadgroup variables of each kernel, which the device fills with garbage
 * before each threadgroup, and with kernels as local functions: only what is inlined into the caller remains.
 */
export function withThreadgroupLists(code: string, kernels: readonly string[]): string {
  const spans = new Map<string, string[]>(kernels.map((name) => [name, []]));
  for (const [, symbol, length, rest, type] of code.matchAll(THREADGROUP)) {
    const name = rest!.slice(0, Number(length));
    const bytes = `ptrtoint (ptr getelementptr (${type}, ptr null, i32 1) to i64)`;
    spans.get(name)?.push(`{ ptr, i64 } { ptr @${symbol}, i64 ${bytes} }`);
  }
  const lists = kernels.map((name) => {
    const all = [...spans.get(name)!, '{ ptr, i64 } zeroinitializer'];
    return `@swm_threadgroup_${name} = hidden constant [${all.length} x { ptr, i64 }] [${all.join(', ')}]\n`;
  });
  return code.replaceAll(/^define [a-z_ ]*spir_kernel /gm, 'define internal spir_kernel ') + lists.join('');
}
