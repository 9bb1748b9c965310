// The page of published types of models, from their definitions.

import { MODEL_TEMPLATES, type ModelTemplate } from '../../src/learning/templates/definitions.ts';
import { GENERIC_HORIZONS, GENERIC_TYPES, genericId } from '../../src/learning/templates/generic.ts';

const INTRO = `
# Types of models

What each published \`model_type\` learns where its model and its training say nothing else, and what the reply of a prediction makes of its numbers
([templates](templates.md) says how such bodies are answered). \`GET /templates\` tells the same, and \`portfolio_risk\` and \`sentiment\`, which need no training.

\`POST /models\` with a \`model_type\` and neither \`family\` nor a file keeps the family and its options in the model, and features, target and splits in its \`configuration\`
(\`training\`, \`validation\`), where \`PUT /models/{model_id}\` changes them. A training or validation takes them for what its request leaves out.

\`\`\`sh
curl -s localhost:8400/models -H 'content-type: application/json' \\
  -d '{"model_id": "regimes", "model_type": "market_regime", "tags": ["symbol:btc-perp"]}'
\`\`\`
`;

/** Returns the page. */
export function modelTypesPage(): string {
  return `${[INTRO.trimEnd(), ...MODEL_TEMPLATES.map(section)].join('\n\n')}\n`;
}

function section(template: ModelTemplate): string {
  const { name, title, task, family, options, architectures, training, scheme, inputs, horizon, reply } =
    template;
  const generic = GENERIC_TYPES.filter((type) => type === name).flatMap((type) =>
    Object.keys(GENERIC_HORIZONS).map((length) => `\`${genericId(type, length)}\``),
  );
  const rows: [string, string][] = [
    ['task', task],
    ['family', `\`${family}\`${Object.keys(options).length > 0 ? `, options ${json(options)}` : ''}`],
    ...(architectures
      ? ([['architectures', Object.entries(architectures).map(pair).join(', ')]] as [string, string][])
      : []),
    ['inputs', inputs],
    ['features', json(training.features)],
    ...(training.steps === undefined ? [] : ([['steps', `${training.steps}`]] as [string, string][])),
    ['target', json(training.target)],
    ['horizon', horizon],
    ['validation', json(scheme)],
    ['reply', reply],
    [
      'any symbol',
      generic.length > 0 ? generic.join(', ') : 'no generic model: 404 for a symbol without one',
    ],
  ];
  return `## ${name}\n\n${title}.\n\n| | |\n|---|---|\n${rows.map(([what, is]) => `| ${what} | ${is} |`).join('\n')}`;
}

const json = (value: unknown) => `\`${JSON.stringify(value)}\``;
const pair = ([name, family]: [string, string]) =>
  name === family ? `\`${name}\`` : `\`${name}\` (\`${family}\`)`;
