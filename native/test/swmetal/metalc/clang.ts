// How metalc runs clang: the flags of its stages, and a call that fails with what clang printed.
import { join, resolve } from 'node:path';

/** The folder of the software device: headers, glue, this compiler. */
export const HOME = resolve(import.meta.dir, '..');

/** What a library is compiled for. */
export interface Options {
  /** Instruments the kernels with the address and undefined-behaviour sanitizers. */
  readonly sanitize: boolean;
  /** `safe` keeps IEEE results bit for bit; the others permit what MTLMathMode of that name permits. */
  readonly math: 'safe' | 'relaxed' | 'fast';
  /** Value of `__METAL_VERSION__`: 310 is Metal 3.1. */
  readonly version: number;
  /** For the compiler beside its own. */
  readonly flags?: readonly string[];
}

/** A source that clang or a rule of MSL refuses; the message is made of compiler diagnostics. */
export class CompileError extends Error {
  override readonly name = 'CompileError';
}

const CLANG = process.env.SWM_CLANG ?? 'clang++-19';

// Nothing fuses a*b+c unless asked: the numbers are those of C++ under -ffp-contract=off.
const MATH: Readonly<Record<Options['math'], readonly string[]>> = {
  safe: ['-ffp-contract=off'],
  relaxed: ['-ffp-contract=fast', '-fassociative-math', '-freciprocal-math', '-fno-signed-zeros'],
  fast: ['-ffp-contract=fast', '-ffast-math'],
};

// Fake stacks would be made and thrown away with every GPU thread. That a float fits its integer does not
// belong to `undefined`, but is undefined on a GPU as well.
const SANITIZE = [
  '-fsanitize=address,undefined,float-cast-overflow',
  '-fno-sanitize-recover=all',
  '-fsanitize-address-use-after-return=never',
  '-fno-omit-frame-pointer',
  '-g1',
];

/** Returns the flags by which clang reads a `.metal` file. SWM_CFLAGS appends to them. */
export function frontendFlags(options: Options): string[] {
  const language = ['-x', 'clcpp', '-cl-std=clc++2021', '-cl-no-stdinc', '-cl-single-precision-constant'];
  const extensions = '-cl-ext=-all,+cl_khr_fp16,+__opencl_c_generic_address_space';
  return [
    ...language,
    '-Xclang',
    extensions,
    '-isystem',
    join(HOME, 'msl'),
    `-D__METAL_VERSION__=${options.version}`,
    '-Wall',
    '-Wextra',
    '-Wconversion',
    '-Wno-sign-conversion',
    '-Wno-unknown-pragmas', // #pragma METAL
    '-Werror',
    '-cl-fp32-correctly-rounded-divide-sqrt',
    // What a kernel forgets to set is NaN or a very large number, not the zero of a fresh stack.
    '-ftrivial-auto-var-init=pattern',
    ...MATH[options.math],
    ...(options.sanitize ? SANITIZE : []),
    ...(options.flags ?? []),
    ...(process.env.SWM_CFLAGS?.split(' ').filter(Boolean) ?? []),
  ];
}

/** Returns the flags by which clang turns intermediate code or C into position-independent machine code. */
export function backendFlags(options: Options): string[] {
  return ['-fPIC', '-fvisibility=hidden', '-ffp-contract=off', ...(options.sanitize ? SANITIZE : [])];
}

/** Runs clang and returns what it wrote to its standard output. */
export async function clang(args: readonly string[], input = ''): Promise<string> {
  const child = Bun.spawn([CLANG, ...args], { stdin: new Blob([input]), stdout: 'pipe', stderr: 'pipe' });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new CompileError(readable(err) || `${CLANG} ended with ${code}`);
  return out;
}

/** Returns diagnostics without the file that metalc wraps around a source, with a hint where they need it. */
function readable(diagnostics: string): string {
  const text = diagnostics.replace(/^In file included from .*\.clcpp:\d+:\n/gm, '').trim();
  const hint =
    'note: in MSL *this is in thread; here say so where it matters: `void Add(float x) thread { ... }`. ' +
    'A temporary does not bind to `thread const T&` here: name it or pass it by value';
  return /'__generic'|default address space/.test(text) ? `${text}\n${hint}` : text;
}
