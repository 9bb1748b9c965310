// `make check`: runs every check of the repository and prints one line each, with what it found below.
import { resolve } from 'node:path';
import { checkDocs } from './check-docs.ts';
import { checkImports } from './check-imports.ts';
import { checkSizes } from './check-sizes.ts';
import { type Finding, readTree, type Tree } from './check-tree.ts';
import { checkWords } from './check-words.ts';

const root = resolve(import.meta.dir, '..');

/** What one check says: whether it passed, a summary of a few words, and its findings ready to print. */
interface Result {
  readonly ok: boolean;
  readonly summary: string;
  readonly detail: string;
}

/** The checks by name, in the order they are printed. Commands run with `node_modules/.bin` first on PATH. */
const CHECKS: Readonly<Record<string, (tree: Tree) => Result | Promise<Result>>> = {
  lint: () => runTool('biome', 'ci', '--colors=off', '.'),
  'clang-format': () => runTool(process.execPath, 'scripts/format-native.ts', '--check'),
  types: () => runTool('tsc', '--noEmit', '--pretty', 'false', '-p', '.'),
  gen: () => runTool(process.execPath, 'scripts/gen-docs.ts', '--check'),
  imports: (tree) => report(checkImports(tree)),
  sizes: (tree) => report(checkSizes(tree)),
  words: (tree) => report(checkWords(tree)),
  docs: (tree) => report(checkDocs(tree)),
};

async function runTool(...command: string[]): Promise<Result> {
  const env = { ...process.env, PATH: `${root}/node_modules/.bin:${process.env.PATH ?? ''}` };
  const child = Bun.spawn(command, { cwd: root, env, stdout: 'pipe', stderr: 'pipe' });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const ok = code === 0;
  return { ok, summary: ok ? 'clean' : `ended with ${code}`, detail: ok ? '' : `${out}${err}`.trimEnd() };
}

function report(findings: readonly Finding[]): Result {
  const errors = findings.filter((finding) => !finding.warning).length;
  const warnings = findings.length - errors;
  const counts = [errors ? `${errors} found` : 'clean', warnings ? `${warnings} warned` : ''];
  const lines = findings.map(({ path, line, message, warning }) => {
    return `${path}${line ? `:${line}` : ''}: ${warning ? 'warning: ' : ''}${message}`;
  });
  return { ok: errors === 0, summary: counts.filter(Boolean).join(', '), detail: lines.join('\n') };
}

async function main(args: readonly string[]): Promise<number> {
  const names = Object.keys(CHECKS);
  const only = args[0] === '--only' ? args.slice(1) : [];
  const unknown = args.length > 0 && (only.length === 0 || only.some((name) => !names.includes(name)));
  if (unknown) {
    console.error(
      `Expected no argument or --only with names among ${names.join(', ')}; was ${args.join(' ')}`,
    );
    return 2;
  }
  const tree = readTree(root);
  // All start at once; the lines come in the order above.
  const running = names
    .filter((name) => only.length === 0 || only.includes(name))
    .map(async (name) => {
      const began = performance.now();
      const result = await Promise.try(() => CHECKS[name]!(tree)).catch((error: unknown) => {
        return { ok: false, summary: 'could not run', detail: String(error) };
      });
      return { name, seconds: (performance.now() - began) / 1000, ...result };
    });
  let failed = 0;
  for (const check of running) {
    const { name, seconds, ok, summary, detail } = await check;
    if (!ok) failed += 1;
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${name.padEnd(12)} ${seconds.toFixed(1).padStart(5)} s  ${summary}`);
    if (detail) console.log(detail.replace(/^/gm, '  '));
  }
  if (failed) console.log(`${failed} of ${running.length} checks failed`);
  return failed ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
