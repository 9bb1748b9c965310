// The documentation rules: links lead somewhere, commands exist, and every environment variable is described.
import { posix } from 'node:path';
import { type Finding, isTest, lineAt, type Tree } from './check-tree.ts';

const CONFIGURATION = 'docs/configuration.md';

/**
 * Returns relative links of *.md files that lead nowhere, `make`, `bun run` and `bun <file>` commands in them that do not
 * exist, and environment variables that code reads but docs/configuration.md does not name (or the reverse).
 */
export function checkDocs(tree: Tree): Finding[] {
  const findings: Finding[] = [];
  const folders = new Set<string>();
  for (const path of tree.keys()) {
    for (let up = posix.dirname(path); up !== '.'; up = posix.dirname(up)) folders.add(up);
  }
  const exists = (path: string): boolean => tree.has(path) || folders.has(path) || path === '.';
  const commands = commandsOf(tree);
  for (const [path, text] of tree) {
    // Parts of a page stand, with their links, in the page that is made of them.
    if (!path.endsWith('.md') || path.startsWith('scripts/gen-docs/')) continue;
    for (const { target, index } of linksOf(text)) {
      if (!exists(resolveLink(path, target))) {
        findings.push({ path, line: lineAt(text, index), message: `the link to ${target} leads nowhere` });
      }
    }
    for (const { code, index } of codeOf(text)) {
      for (const match of code.matchAll(/(?<![\w./-])(make|bun run|bun) ([\w./:-]+)/g)) {
        const [command, tool, name] = match as unknown as [string, string, string];
        const known = tool === 'bun' ? !/^[\w./-]+\.ts$/.test(name) || exists(name) : commands.has(command);
        if (!known) {
          findings.push({
            path,
            line: lineAt(text, index + match.index),
            message: `there is no \`${command}\``,
          });
        }
      }
    }
  }
  return [...findings, ...checkEnvironment(tree)];
}

function resolveLink(from: string, target: string): string {
  const bare = decodeURIComponent(target.replace(/[?#].*$/, '')).replace(/(?<=.)\/$/, '');
  return bare.startsWith('/') ? bare.slice(1) : posix.join(posix.dirname(from), bare);
}

/** Relative link targets of one page, outside fenced code. */
function linksOf(text: string): { target: string; index: number }[] {
  const prose = text.replace(/^(```|~~~)[\s\S]*?^\1/gm, (fence) => ' '.repeat(fence.length));
  const found: { target: string; index: number }[] = [];
  for (const pattern of [/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g, /^\[[^\]]+\]:\s*<?([^\s>]+)/gm]) {
    for (const match of prose.matchAll(pattern)) {
      const target = match[1]!;
      if (!/^([a-z][a-z0-9+.-]*:|#)/i.test(target)) found.push({ target, index: match.index });
    }
  }
  return found;
}

/** Fenced blocks and code spans of one page. */
function codeOf(text: string): { code: string; index: number }[] {
  return [...text.matchAll(/^(```|~~~)[\s\S]*?^\1|`[^`\n]+`/gm)].map((match) => ({
    code: match[0],
    index: match.index,
  }));
}

/** Every `make <target>` and `bun run <script>` there is. */
function commandsOf(tree: Tree): Set<string> {
  const known = new Set<string>();
  for (const match of (tree.get('Makefile') ?? '').matchAll(/^([a-z][\w-]*):(?!=)/gm))
    known.add(`make ${match[1]}`);
  const manifest = JSON.parse(tree.get('package.json') ?? '{}') as { scripts?: Record<string, string> };
  for (const name of Object.keys(manifest.scripts ?? {})) known.add(`bun run ${name}`);
  return known;
}

function checkEnvironment(tree: Tree): Finding[] {
  const page = tree.get(CONFIGURATION);
  if (page === undefined) return [];
  const findings: Finding[] = [];
  const described = new Set(page.match(/\b[A-Z][A-Z0-9_]{2,}\b/g));
  const mentioned = new Set<string>();
  for (const [path, text] of tree) {
    if (path.endsWith('.md')) continue;
    for (const name of text.match(/\bNAUTILUS_[A-Z0-9_]+\b/g) ?? []) mentioned.add(name);
    // Native tests have no other name than their folder.
    const tested = isTest(path) || path.startsWith('native/test/');
    if (tested || !/^(src|engines|native)\/.*\.(ts|h|cc|cpp|mm)$/.test(path)) continue;
    for (const { name, index } of variablesOf(path, text)) {
      if (described.has(name)) continue;
      findings.push({
        path,
        line: lineAt(text, index),
        message: `${name} is not described in ${CONFIGURATION}`,
      });
    }
  }
  for (const name of described) {
    if (name.startsWith('NAUTILUS_') && !mentioned.has(name)) {
      findings.push({ path: CONFIGURATION, message: `${name} is described, but nothing reads it` });
    }
  }
  return findings;
}

/** Environment variables that one source file reads; in src/core/config.ts these are the keys of its schema. */
function variablesOf(path: string, text: string): { name: string; index: number }[] {
  const patterns = [
    /\b(?:process|Bun|import\.meta)\.env(?:\.|\[['"])([A-Z][A-Z0-9_]+)/g,
    /\bgetenv\("([A-Z][A-Z0-9_]+)"\)/g,
  ];
  if (path === 'src/core/config.ts') patterns.push(/^\s+([A-Z][A-Z0-9_]{2,}):/gm);
  return patterns.flatMap((p) =>
    [...text.matchAll(p)].map((match) => ({ name: match[1]!, index: match.index })),
  );
}
