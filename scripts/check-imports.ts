// The import rules: TypeScript goes down the tiers without cycles, engines stay apart, C++ backends stay apart.
import { posix } from 'node:path';
import { type Finding, isTest, lineAt, type Tree } from './check-tree.ts';

/** Tier of each unit of product code; imports go to the same unit or to a higher number. Engines are tier 2. */
const TIERS: Readonly<Record<string, number>> = {
  'src/main.ts': 1,
  'src/cli': 1,
  'src/package': 2,
  'src/learning': 2.5,
  'src/http': 3,
  'src/events': 3,
  'src/jobs': 3,
  'src/text': 2.75,
  'src/onnx': 3,
  'src/factors': 3,
  'src/indicators': 3,
  'src/trading': 3,
  'src/bus': 4,
  'src/store': 4,
  'src/native': 4,
  'src/hardware': 4,
  'src/market': 5,
  'src/core': 6,
};

/** An import that the rules forbid and that is allowed all the same; `from` and `to` are paths or path prefixes. */
export interface Exception {
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

/** The exceptions of this repository. Each is one line with its reason; one that nothing needs any more is a finding. */
export const EXCEPTIONS: readonly Exception[] = [
  {
    from: 'src/bus/',
    to: 'src/store/database.ts',
    reason: 'types of the transaction that a unit of work runs in',
  },
  {
    from: 'src/bus/topics.ts',
    to: 'src/hardware/utilization.ts',
    reason: 'the message of what the machine is doing is what the route of it replies',
  },
  { from: 'src/http/', to: 'src/events/', reason: 'the server wires the durable events of its engine' },
  {
    from: 'src/bus/conformance.ts',
    to: 'test/',
    reason: 'the test suite that every transport runs; no product code',
  },
  {
    from: 'src/bus/log-conformance.ts',
    to: 'test/',
    reason: 'the test suite that every event log runs; no product code',
  },
  {
    from: 'src/bus/lease-conformance.ts',
    to: 'test/',
    reason: 'the test suite that every lease board runs; no product code',
  },
  {
    from: 'src/jobs/conformance',
    to: 'test/',
    reason: 'the test suite that every backend of jobs runs; no product code',
  },
  {
    from: 'src/http/metal-port.ts',
    to: 'src/indicators/',
    reason: 'the sizes that are expected of an M4 Max count the columns of indicators',
  },
  { from: 'src/factors/', to: 'src/indicators/', reason: 'a factor may be an indicator of its series' },
];

/** What each native folder may include, beside itself. Tests may include everything. */
const NATIVE: Readonly<Record<string, readonly string[]>> = {
  core: [],
  cpu: ['core'],
  metal: ['core'],
  addon: ['core'],
};
const NODE_HEADER = /^(node_api|js_native_api|napi|node|v8|uv)([-_.][\w-]+)*\.h$|^(node|v8|uv)\//;
const APPLE_HEADER = /^(Metal|MetalPerformanceShaders(Graph)?|MetalKit|Foundation|CoreML)\//;

interface Import {
  readonly from: string;
  readonly to: string;
  readonly line: number;
}

/** Returns every breach of the import rules in `tree`, in path order. */
export function checkImports(tree: Tree, exceptions: readonly Exception[] = EXCEPTIONS): Finding[] {
  const findings: Finding[] = [];
  const imports: Import[] = [];
  const used = new Set<Exception>();
  for (const [path, text] of tree) {
    if (/\.[cm]?tsx?$/.test(path)) {
      for (const found of importsOf(path, text)) {
        if (!tree.has(found.to)) {
          findings.push(at(found, `imports ${found.to}, which does not exist (is the .ts missing?)`));
          continue;
        }
        imports.push(found);
        const breach = breachOf(found.from, found.to);
        if (!breach) continue;
        const exception = exceptions.find((e) => found.from.startsWith(e.from) && found.to.startsWith(e.to));
        if (exception) used.add(exception);
        else findings.push(at(found, breach));
      }
    } else if (/^native\/.*\.(h|hpp|cc|cpp|mm|m|metal|inc|def)$/.test(path)) {
      findings.push(...includesOf(tree, path, text));
    }
  }
  for (const exception of exceptions) {
    if (used.has(exception)) continue;
    const message = `the exception for ${exception.from} -> ${exception.to} is not needed any more`;
    findings.push({ path: 'scripts/check-imports.ts', message });
  }
  return [...findings, ...cyclesOf(imports)];
}

function at(found: Import, message: string): Finding {
  return { path: found.from, line: found.line, message };
}

const SPECIFIERS = [
  /^[ \t]*(?:import|export)\b[^'"`;]*?\bfrom\s*['"](\.[^'"]+)['"]/gm,
  /^[ \t]*import\s*['"](\.[^'"]+)['"]/gm,
  /\b(?:import|require)\(\s*['"](\.[^'"]+)['"]/g,
];

function importsOf(from: string, text: string): Import[] {
  // Comments become spaces of the same length, so that positions stay.
  const code = text.replace(/^\s*(\/\/.*|\/\*[\s\S]*?\*\/)/gm, (comment) => comment.replace(/[^\n]/g, ' '));
  const found: Import[] = [];
  for (const pattern of SPECIFIERS) {
    for (const match of code.matchAll(pattern)) {
      const to = posix.join(posix.dirname(from), match[1]!.replace(/[?#].*$/, ''));
      found.push({ from, to, line: lineAt(code, match.index + match[0].length) });
    }
  }
  return found;
}

/** Returns the unit of product code that holds `path` (`src/bus`, `engines/risk`), or null outside `src` and `engines`. */
function unitOf(path: string): string | null {
  const [top, second, third] = path.split('/');
  if (top !== 'src' && top !== 'engines') return null;
  return top === 'engines' && third === undefined ? 'engines' : `${top}/${second}`;
}

function tierOf(unit: string): number | undefined {
  return unit.startsWith('engines/') ? 2 : TIERS[unit];
}

function breachOf(from: string, to: string): string | null {
  const source = unitOf(from);
  const target = unitOf(to);
  if (source === null || source === target) return null;
  if (target === null) {
    if (!/^(test|bench|scripts)\//.test(to)) return null;
    return isTest(from) && to.startsWith('test/') ? null : `product code imports ${to}`;
  }
  const sourceTier = tierOf(source);
  const targetTier = tierOf(target);
  if (sourceTier === undefined) return `${source} is in no tier; give it one in scripts/check-imports.ts`;
  if (targetTier === undefined) return `imports ${to}, but ${target} is in no tier`;
  if (sourceTier === 2 && targetTier === 2) return `engine imports another engine: ${to}`;
  // The entry point and the command line are one: they stand together above the engines.
  if (targetTier > sourceTier || (sourceTier === 1 && targetTier === 1)) return null;
  const how = targetTier === sourceTier ? 'sideways' : 'upwards';
  return `imports ${how}, from ${source} (tier ${sourceTier}) to ${to} (tier ${targetTier})`;
}

function includesOf(tree: Tree, path: string, text: string): Finding[] {
  const folder = path.split('/')[1]!;
  const allowed = NATIVE[folder];
  if (!allowed) return [];
  const findings: Finding[] = [];
  for (const match of text.matchAll(/^[ \t]*#[ \t]*(?:include|import)[ \t]*["<]([^">]+)[">]/gm)) {
    const header = match[1]!;
    const line = lineAt(text, match.index + match[0].length);
    const near = posix.join(posix.dirname(path), header);
    const resolved = [near, posix.join('native', header), header].find((candidate) => tree.has(candidate));
    const other = resolved?.match(/^native\/([^/]+)\//)?.[1];
    if (other && other !== folder && !allowed.includes(other)) {
      findings.push({ path, line, message: `native/${folder} includes ${resolved}` });
    }
    if (folder !== 'addon' && NODE_HEADER.test(header)) {
      findings.push({ path, line, message: `native/${folder} includes the Node header ${header}` });
    }
    if (folder !== 'metal' && APPLE_HEADER.test(header)) {
      findings.push({ path, line, message: `native/${folder} includes the Apple header ${header}` });
    }
  }
  return findings;
}

/** Depth-first search: each edge back to a file on the current path closes a cycle, reported with its files. */
function cyclesOf(imports: readonly Import[]): Finding[] {
  const edges = Map.groupBy(imports, (found) => found.from);
  const done = new Set<string>();
  const trail: string[] = [];
  const findings: Finding[] = [];
  const visit = (path: string): void => {
    trail.push(path);
    for (const found of edges.get(path) ?? []) {
      const start = trail.indexOf(found.to);
      if (start !== -1) {
        findings.push(at(found, `import cycle: ${[...trail.slice(start), found.to].join(' -> ')}`));
      } else if (!done.has(found.to)) visit(found.to);
    }
    trail.pop();
    done.add(path);
  };
  for (const path of edges.keys()) if (!done.has(path)) visit(path);
  return findings;
}
