// The page of the checks of market data, from their definitions.
import { FLAG_NAMES, FLAGS } from '../../src/market/flags.ts';
import { CHECKS } from '../../src/market/quality/checks/index.ts';
import type { Check, Parameter } from '../../src/market/quality/definition.ts';
import { MARKET_KINDS } from '../../src/market/records.ts';

const INTRO = `
# Checks of market data

Every flag, the rule that gives it, and its parameters with their defaults; [quality](quality.md) tells how they work together. Checks run in this order. *Quarantine*: the
record is kept from the main view. *Weight*: a share \`s\` of flagged records costs \`weight * s\` of the score. A record with one of the flags of *not upon* is neither judged nor learned from.
`;

/** Returns the page. */
export function qualityPage(): string {
  const others = FLAG_NAMES.filter((name) => !CHECKS.some(({ flag }) => flag === name));
  const rest = others.map((name) => `- \`${name}\`: ${FLAGS[name].meaning}.`);
  const sections = [INTRO.trim(), ...CHECKS.map(section)];
  return `${[...sections, `## Flags without a check\n\n${rest.join('\n')}`].join('\n\n')}\n`;
}

function section({ flag, kinds, rule, unless, weight, parameters }: Check): string {
  const all = kinds.length === MARKET_KINDS.length;
  const facts = [
    `bit ${Math.log2(FLAGS[flag].bit)}`,
    `weight ${weight}`,
    ...(FLAGS[flag].quarantine ? ['quarantine'] : []),
    all ? 'all kinds' : kinds.map((kind) => `\`${kind}\``).join(', '),
    ...(unless.length > 0 ? [`not upon ${unless.map((name) => `\`${name}\``).join(', ')}`] : []),
  ];
  const lines = [`## ${flag}`, '', `${FLAGS[flag].meaning}.`, '', `*${facts.join('; ')}*`, '', rule];
  const rows = Object.entries(parameters).map(([name, parameter]) => row(name, parameter));
  if (rows.length === 0) return lines.join('\n');
  const head = ['', '| parameter | meaning | unit | default | range |', '|---|---|---|---|---|'];
  return [...lines, ...head, ...rows].join('\n');
}

function row(name: string, { meaning, unit, min, max, ...parameter }: Parameter): string {
  const others = Object.entries(parameter.defaults ?? {}).map(([kind, value]) => `${value} (\`${kind}\`)`);
  const defaults = [`${parameter.default}`, ...others].join(', ');
  return `| \`${name}\` | ${meaning} | ${unit} | ${defaults} | ${min} to ${max} |`;
}
