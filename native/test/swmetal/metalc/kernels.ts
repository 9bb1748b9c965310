// Kernels of a preprocessed source: their signatures, and the functions by which the device calls them.
import { CompileError } from './clang.ts';

/** One parameter: its type and name as written, its attribute, and the index of a buffer. */
interface Parameter {
  readonly type: string;
  readonly attribute: string;
  readonly index: number | undefined;
}

/** One kernel function of a source. */
export interface Kernel {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** The expression of [[max_total_threads_per_threadgroup]]; `0` without one. */
  readonly maxThreads: string;
}

/** Attribute to the member of `swm_thread` that holds it; those of the `grid` must agree in type. */
const POSITIONS: Readonly<Record<string, { readonly member: string; readonly grid: boolean }>> = {
  thread_position_in_grid: { member: 'position_in_grid', grid: true },
  threads_per_grid: { member: 'grid_size', grid: true },
  threadgroup_position_in_grid: { member: 'group_position', grid: true },
  threadgroups_per_grid: { member: 'group_count', grid: true },
  thread_position_in_threadgroup: { member: 'position_in_group', grid: true },
  threads_per_threadgroup: { member: 'group_size', grid: true },
  dispatch_threads_per_threadgroup: { member: 'asked_group_size', grid: true },
  thread_index_in_threadgroup: { member: 'index_in_group', grid: false },
  thread_index_in_simdgroup: { member: 'lane', grid: false },
  threads_per_simdgroup: { member: 'simd_width', grid: false },
  simdgroup_index_in_threadgroup: { member: 'simd_index', grid: false },
  simdgroups_per_threadgroup: { member: 'simd_count', grid: false },
};

const BUFFERS = 31;
const ANNOTATION = /\[\[\s*clang::annotate\("(\w+)"(?:,\s*([^[\]]+?))?\s*\)\s*\]\]/;
const KERNEL = /((?:\[\[[^[\]]*\]\]\s*)*)\bkernel\s+void\s+(\w+)\s*\(/g;

/** Returns the kernels of a preprocessed source. Throws `CompileError` on a signature that is not MSL. */
export function parseKernels(source: string): Kernel[] {
  const kernels: Kernel[] = [];
  for (const match of source.matchAll(KERNEL)) {
    const [head, attributes, name] = match as unknown as [string, string, string];
    const from = match.index + head.length;
    const parameters = splitParameters(source.slice(from, closingBracket(source, from)));
    const kernel: Kernel = {
      name,
      parameters: parameters.map((text) => parseParameter(name, text)),
      maxThreads: maxThreadsOf(attributes),
    };
    checkSignature(kernel);
    kernels.push(kernel);
  }
  return kernels;
}

function maxThreadsOf(attributes: string): string {
  const annotation = ANNOTATION.exec(attributes);
  return annotation?.[1] === 'max_total_threads_per_threadgroup' ? (annotation[2] ?? '0') : '0';
}

function closingBracket(source: string, from: number): number {
  let depth = 1;
  for (let at = from; at < source.length; at += 1) {
    if (source[at] === '(') depth += 1;
    else if (source[at] === ')') depth -= 1;
    if (depth === 0) return at;
  }
  throw new CompileError('error: a parameter list without an end');
}

function splitParameters(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at]!;
    if ('([{<'.includes(sign)) depth += 1;
    else if (')]}>'.includes(sign)) depth -= 1;
    else if (sign === ',' && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  if (text.slice(from).trim()) parts.push(text.slice(from));
  return parts;
}

function parseParameter(kernel: string, text: string): Parameter {
  const annotation = ANNOTATION.exec(text);
  const declaration = /^([\s\S]*?)(\w+)$/.exec(text.replace(/\[\[[\s\S]*?\]\]/g, '').trim());
  if (!annotation || !declaration) {
    throw new CompileError(`error: ${kernel}: parameter without an attribute known here: ${text.trim()}`);
  }
  const [, attribute, index] = annotation;
  return {
    type: declaration[1]!.replace(/\s+/g, ' ').trim(),
    attribute: attribute!,
    index: index === undefined ? undefined : Number(index),
  };
}

function checkSignature({ name, parameters }: Kernel): void {
  const bound = new Set<number>();
  const gridTypes = new Set<string>();
  for (const { type, attribute, index } of parameters) {
    if (attribute === 'buffer') {
      if (!/\b__(?:global|constant)\b.*[*&]$/.test(type)) {
        throw new CompileError(
          `error: ${name}: a buffer must be a device or constant pointer or reference: ${type}`,
        );
      }
      if (index === undefined || !(index >= 0 && index < BUFFERS) || bound.has(index)) {
        throw new CompileError(`error: ${name}: buffer index ${index} is taken or outside 0..${BUFFERS - 1}`);
      }
      bound.add(index);
    } else if (!(attribute in POSITIONS)) {
      throw new CompileError(`error: ${name}: attribute ${attribute} does not belong to a parameter`);
    } else if (POSITIONS[attribute]!.grid) {
      gridTypes.add(type);
    }
  }
  if (gridTypes.size > 1) {
    throw new CompileError(
      `error: ${name}: grid attributes must share one type, found ${[...gridTypes].join(', ')}`,
    );
  }
}

const pointee = ({ type }: Parameter): string => type.slice(0, -1).replace(/\bvoid\s*$/, 'char');

function argumentOf(parameter: Parameter): string {
  const { type, attribute, index } = parameter;
  if (attribute !== 'buffer') return `swm::Position<${type}>(self->${POSITIONS[attribute]!.member})`;
  if (type.endsWith('&')) return `*(${type.slice(0, -1)}*)self->buffers[${index}]`;
  return `(${type})self->buffers[${index}]`;
}

/** Returns MSL that calls each kernel with the arguments of an `swm_thread` and lists its buffers. */
export function callers(kernels: readonly Kernel[]): string {
  return kernels
    .map(({ name, parameters, maxThreads }) => {
      const buffers = parameters.filter(({ attribute }) => attribute === 'buffer');
      const words = buffers.map((parameter) => {
        return `${parameter.index}u, sizeof(${pointee(parameter)}), alignof(${pointee(parameter)}), `;
      });
      return [
        `extern "C" void swm_run_${name}(const swm_thread* self) {`,
        `  ${name}(${parameters.map(argumentOf).join(', ')});`,
        '}',
        `extern "C" __constant const unsigned int swm_arguments_${name}[] = {${words.join('')}0u, 0u, 0u};`,
        `extern "C" __constant const unsigned int swm_max_threads_${name} = ${maxThreads};`,
        '',
      ].join('\n');
    })
    .join('');
}

/** The same in the intermediate code that defines the kernels, at its end. */
export function tableCode(names: readonly string[], meets: ReadonlySet<string>): string {
  const type = '{ ptr, ptr, ptr, ptr, ptr, i32 }';
  const rows = names.map((name) => {
    const members = ['name', 'run', 'arguments', 'threadgroup', 'max_threads'];
    const pointers = members.map((member) => `ptr @swm_${member}_${name}`).join(', ');
    return `${type} { ${pointers}, i32 ${meets.has(name) ? 1 : 0} }`;
  });
  const texts = names.map(
    (name) => `@swm_name_${name} = internal constant [${name.length + 1} x i8] c"${name}\\00"\n`,
  );
  const all = [...rows, `${type} zeroinitializer`].join(', ');
  return `${texts.join('')}@swm_functions = constant [${names.length + 1} x ${type}] [${all}]\n`;
}

/** Returns C that lists all kernels of a library. `meets` holds those whose threads wait for each other. */
export function functionTable(names: readonly string[], meets: ReadonlySet<string>): string {
  const declarations = names.map((name) => {
    return (
      `void swm_run_${name}(const struct swm_thread*);\n` +
      `extern const struct swm_argument swm_arguments_${name}[];\n` +
      `extern const struct swm_span swm_threadgroup_${name}[];\n` +
      `extern const unsigned int swm_max_threads_${name};\n`
    );
  });
  const rows = names.map((name) => {
    const lists = `swm_arguments_${name}, swm_threadgroup_${name}, &swm_max_threads_${name}`;
    return `  {"${name}", swm_run_${name}, ${lists}, ${meets.has(name) ? 1 : 0}},\n`;
  });
  const visible = '__attribute__((visibility("default")))';
  return (
    `#include "abi.h"\n${declarations.join('')}` +
    `${visible} const struct swm_function swm_functions[] = {\n${rows.join('')}  {0, 0, 0, 0, 0, 0}};\n`
  );
}
