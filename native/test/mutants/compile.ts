// Compiles a text of Metal kernels into a library that the software device takes kernels from (SWM_PATCH). It takes a fraction of the
// time of metalc: the headers are read once, less is optimised, and what only a new declaration can break is looked for on request.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  backendFlags,
  CompileError,
  clang,
  frontendFlags,
  HOME,
  type Options,
} from '../swmetal/metalc/clang.ts';
import { type Kernel, parseKernels, tableCode } from '../swmetal/metalc/kernels.ts';
import { intermediateCode, UNOPTIMISED } from '../swmetal/metalc/library.ts';
import { checkRules } from '../swmetal/metalc/rules.ts';

// A step beyond an array of a thread, or a division by zero, ends the process.
const TRAPS = ['-fsanitize=array-bounds,integer-divide-by-zero', '-fsanitize-trap=all'];
const PLAIN: Options = { sanitize: false, math: 'safe', version: 310, flags: TRAPS };
const HEAD = /^kernel void (\w+)\([^{]*\{/gm;

/** A compiler that has read the headers of Metal and the kernels of the whole source. */
export class Compiler {
  readonly #folder: string;
  readonly #options: Options;
  readonly #kernels: ReadonlyMap<string, Kernel>;

  private constructor(folder: string, options: Options, kernels: ReadonlyMap<string, Kernel>) {
    this.#folder = folder;
    this.#options = options;
    this.#kernels = kernels;
  }

  /** Prepares it in `folder`, for parts of the source `text`. */
  static async prepare(text: string, folder: string): Promise<Compiler> {
    mkdirSync(folder, { recursive: true });
    const headers = join(folder, 'headers.pch');
    const source = join(folder, 'source.metal');
    await Bun.write(source, text);
    const flags = frontendFlags(PLAIN);
    const [, , preprocessed] = await Promise.all([
      clang([
        '-x',
        'c',
        '-O1',
        '-fPIC',
        '-fvisibility=hidden',
        '-c',
        join(HOME, 'glue.c'),
        '-o',
        join(folder, 'glue.o'),
      ]),
      // With the flags of the code that includes them.
      clang([
        ...flags,
        ...backendFlags(PLAIN),
        ...UNOPTIMISED.slice(0, 3),
        '-c',
        '-Xclang',
        '-emit-pch',
        join(HOME, 'msl/metal_stdlib'),
        '-o',
        headers,
      ]),
      clang([...flags, '-E', '-P', source]),
    ]);
    const parsed = new Map(parseKernels(preprocessed).map((kernel) => [kernel.name, kernel]));
    const kernels = new Map([...text.matchAll(HEAD)].map(([head, name]) => [head, parsed.get(name!)!]));
    return new Compiler(folder, { ...PLAIN, flags: [...TRAPS, '-include-pch', headers] }, kernels);
  }

  /** Compiles `text` into `base`.so. Throws `CompileError` when the compiler, or with `rules` a rule of MSL, refuses it. */
  async compile(text: string, base: string, rules: boolean): Promise<string> {
    const source = `${base}.metal`;
    const object = `${base}.o`;
    const library = `${base}.so`;
    await Bun.write(source, text);
    if (rules) {
      const tree = ['-fsyntax-only', '-Xclang', '-ast-dump', '-fno-color-diagnostics', source];
      checkRules(await clang([...frontendFlags(PLAIN), ...tree]), source);
    }
    // Only a change of its head changes how a kernel is called.
    const known = [...text.matchAll(HEAD)].map(([head]) => this.#kernels.get(head));
    const kernels = known.includes(undefined) ? undefined : (known as Kernel[]);
    const { code, names, meets } = await intermediateCode(source, base, this.#options, kernels);
    const whole = code + tableCode(names, new Set(meets));
    await clang(['-x', 'ir', '-O1', ...backendFlags(PLAIN), '-c', '-', '-o', object], whole);
    const link = Bun.spawn(['ld', '-shared', object, join(this.#folder, 'glue.o'), '-o', library], {
      stderr: 'pipe',
    });
    if ((await link.exited) !== 0) throw new CompileError(await new Response(link.stderr).text());
    return library;
  }
}
