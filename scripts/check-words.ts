// The word rule: nothing in the repository names one person's machine or tells how the text came about, marks of merges among it.
import { type Finding, lineAt, type Tree } from './check-tree.ts';

// Letters in brackets keep this file from finding itself.
const RULES: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/(?<![\w.~-])\/(?:h[o]me|U[s]ers)\/[\w.-]+/g, 'path of a home folder'],
  [/(?<![\w.~-])\/r[o]ot\/[\w.-]+/g, 'path of a home folder'],
  [/(?<![\w.~-])\/w[o]rk\/[\w.-]+/g, 'path of one machine'],
  [/\b[A-Z]:\\+U[s]ers\b/g, 'path of a home folder'],
  [/\b(?:c[l]aude|a[n]thropic|chat-?g[p]t|c[o]pilot)\b/gi, 'name of a writing aid'],
  [
    /\b(?:ai|machine)[- ]g[e]nerated\b|\blanguage m[o]del\b|\bl[l]ms?\b/gi,
    'word about how the text came about',
  ],
  [/^(?:<{7}|>{7}) .*/gm, 'mark of a merge'],
  [/\b(?:sub-?|coding |ai )a[g]ents?\b/gi, 'word about how the text came about'],
];

const SKIPPED = /^(bun\.lock|LICENSE)$/;

/** Returns each absolute path of one machine and each word about how the project is made, with its line. */
export function checkWords(tree: Tree): Finding[] {
  const findings: Finding[] = [];
  for (const [path, text] of tree) {
    if (SKIPPED.test(path)) continue;
    for (const [pattern, what] of RULES) {
      for (const match of text.matchAll(pattern)) {
        findings.push({ path, line: lineAt(text, match.index), message: `${what}: ${match[0]}` });
      }
    }
  }
  return findings;
}
