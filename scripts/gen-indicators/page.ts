// The docs page of the indicators: prose by hand, what the definition says beside it.
import { type AnyIndicator, GROUPS } from '../../src/indicators/define.ts';

/** A definition with the prose beside it. */
export interface Documented {
  readonly def: AnyIndicator;
  readonly doc: string;
}

const TITLES: Readonly<Record<(typeof GROUPS)[number], string>> = {
  average: 'Moving averages',
  momentum: 'Momentum',
  oscillator: 'Oscillators',
  trend: 'Trend',
  volatility: 'Volatility',
  volume: 'Volume',
};

const STABILITY: Readonly<Record<AnyIndicator['stability'], string>> = {
  exact: 'exact: a value depends on its window only, to the last bit',
  epsilon: 'epsilon: a value depends on its window only, its last bits on the bar of the start',
  converging: 'converging: values of series that begin at different bars differ, ever less',
  pathDependent: 'path-dependent: a value depends on the first bar for good',
};

/** Returns the text of `docs/indicators.md` below its first line. */
export function indicatorsPage(documented: readonly Documented[]): string {
  const parts = GROUPS.flatMap((group) => {
    const own = documented.filter(({ def }) => def.group === group);
    return own.length === 0 ? [] : [`## ${TITLES[group]}\n`, ...own.map(section)];
  });
  const list = documented.map(({ def }) => `[${def.name}](#${anchor(def.title)})`).join(', ');
  return `# Indicators

${documented.length} indicators, each declared once in \`src/indicators/<name>/def.ts\` and computed by one step in C++: over a
series (\`compute\`), over a panel of series (\`computePanel\`), bar by bar (\`open\`), or for a panel bar by bar
(\`openPanel\`). All four give the same bits. \`POST /indicators/<name>\` of the Features engine computes one over posted
columns. Inputs must be finite. Outputs are NaN (null in JSON) before the first value.

${list}

${parts.join('\n')}`;
}

const anchor = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-');

function section({ def, doc }: Documented): string {
  const options = Object.entries(def.options).map(
    ([name, { type, min, max, default: value, unit }]) =>
      `| \`${name}\` | ${type === 'int' ? 'integer' : 'number'} | ${min} to ${max} | ${value} | ${unit} |\n`,
  );
  const outputs = Object.entries(def.outputs).map(
    ([name, { unit, range }]) =>
      `| \`${name}\` | ${unit} | ${range === undefined ? '' : range.join(' to ')} |\n`,
  );
  const rules = (def.rules ?? []).map(({ option, expected }) => `- \`${option}\` is ${expected}.\n`);
  return `${doc.trim().replace(/^# /, '### ')}

- Name: \`${def.name}\`. Reads: ${def.inputs.map((input) => `\`${input}\``).join(', ')}.
- First value at bar \`${def.warmup}\`, counted from 0.
- Stability: ${STABILITY[def.stability]}.
${rules.join('')}- Source: ${def.source}.

${options.length === 0 ? '' : `| Option | Type | Range | Default | Unit |\n|---|---|---|---|---|\n${options.join('')}\n`}| Output | Unit | Range |
|---|---|---|
${outputs.join('')}`;
}
