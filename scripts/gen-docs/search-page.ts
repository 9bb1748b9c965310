// The page of what trials are measured by and made of, from the tables of src/learning/search.
import { WATCHED } from '../../src/learning/search/base-options.ts';
import {
  DEFAULT_FAMILIES,
  defaultPoint,
  defaultSpace,
  SEARCHED_FAMILIES,
} from '../../src/learning/search/default-spaces.ts';
import { FEATURE_GROUPS, featureGroups } from '../../src/learning/search/feature-groups.ts';
import { optionNames, SETTINGS } from '../../src/learning/search/mappings.ts';
import { METRIC_NAMES, METRICS, metricsOf } from '../../src/learning/search/metric.ts';
import type { Choice, Dimension } from '../../src/learning/search/types.ts';
import { featureNames } from '../../src/learning/tables/features.ts';
import { targetSchema } from '../../src/learning/tables/target.ts';
import { CLASSIFICATION_SCORES } from '../../src/learning/validation/metrics/classification.ts';
import { INFORMATION_SCORES } from '../../src/learning/validation/metrics/information.ts';
import { REGRESSION_SCORES } from '../../src/learning/validation/metrics/regression.ts';
import { TRADING_SCORES } from '../../src/learning/validation/metrics/trading.ts';

const CONVENTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  classification: CLASSIFICATION_SCORES,
  regression: REGRESSION_SCORES,
  information: INFORMATION_SCORES,
  trading: TRADING_SCORES,
};
const TARGETS = [
  { kind: 'value' },
  { kind: 'log_return' },
  { kind: 'direction' },
  { kind: 'signal', buy_above: 0.005, sell_below: -0.005 },
  { kind: 'volatility', horizon: 5 },
].map((target) => targetSchema.parse(target));

const INTRO = `
# Trials: metrics, settings, stacks

What a trial of a [search](automl.md) is measured by, what its settings mean for each family, and what a stack is made of.

\`\`\`sh
curl -s localhost:8400/automl/start -H 'content-type: application/json' -d '{
  "dataset_id": "<of POST /datasets>", "validation_metric": "sharpe_ratio", "cost_bps": 2, "ensemble": 5,
  "search_space": {"model_types": ["linear", "xgboost"], "features": ["price", "technical"],
    "hyperparameters": {"learning_rate": [0.03, 0.1], "max_depth": [2, 4, 6]}}}'
\`\`\`
`;

const METRICS_TEXT = `
A trial is fitted on the training rows of each split and forecasts the tested ones through the graph that would serve. Forecasts of all splits are scored together, those of
combinatorial splits path by path, and the mean of the paths counts. There are no intervals in a search: they cost more than the fits. All metrics of the target are told; one
is made best. A trial whose metric is not defined on the tested rows has failed.

Three classes are sell, hold and buy: held as -1, 0 and 1, and ordered by the probability of buy less that of sell. Who holds nothing has a Sharpe ratio of 0; forecasts
that are all the same have an information coefficient of 0. The log-loss counts probabilities from 2^-23 on, as scikit-learn does for float32.
`;

const STOPPING_TEXT = `
Fits that go on for rounds or epochs are stopped by rows that no parameter is fitted on, so that the number of rounds needs no search. With one split (the default holdout) these are the tested rows: the
number of rounds is one more setting that is chosen on them, and the score of a trial flatters by as much as with any other; the rows that no trial sees do not. With several splits
they are the last 15% of the training rows of each, purged.
These families begin with the options below, where neither the request nor the trial says otherwise.

They also tell how they are doing, up to 20 times a split, for [pruners](automl.md#what-a-search-takes): the log-loss of the watched rows, or their squared error over the variance of the
training targets, so that families compare; over several splits the mean of those so far. A step is a 20th of the epochs; of boosting a 20th of the rounds at a \`learning_rate\` of 0.1, and
fewer or more rounds where it is higher or lower, since trials are about as far where rounds times \`learning_rate\` is the same. By rounds alone those that learn slowly, the better ones at
their end, would be behind and be ended; one that learns so slowly that it never makes a step is never ended. Nothing is told of another loss (\`huber\`, \`quantile\`, \`poisson\`) nor by libraries (\`engine\`), and by other families: they run to
their end. A pruner goes by this loss whatever the metric is: with \`sharpe_ratio\` the pruner \`none\` is the careful choice.
`;

const SETTINGS_TEXT = `
A name of \`hyperparameters\` or of a \`space\` is an option of the family, or one of these. \`hidden_layers\` and \`hidden_units\` are number and width of layers where an
option lists them: \`hidden_layers\` 2 with \`hidden_units\` 32 is \`[32, 32]\`. A published name that a family does not have is reported as unused for it, and so are values that it does not take.
What no family has or takes is refused.

Published types are the families of [their page](model-types.md): \`neural_network\` is \`mlp\`. Every family's name works too, and \`linear\` is \`ridge\` or \`logistic\`.
`;

const GROUPS_TEXT = `
The groups of \`features\`, of a table that has all columns: each is tried on and off. \`price\` and \`technical\` need \`close\` (and without \`open\`, \`high\` and \`low\` the inputs of
the stream give way to z-scores of 20 and 60 rows), \`volume\` needs \`volume\`, \`sentiment\` a column of that name or one like \`news_sentiment\`. A group without its columns is
unused, with the reason.
`;

const STACK_TEXT = `
The best trials are run again, to the same bits, and their forecasts of the tested rows (which their fits had not seen) are weighed by greedy selection with replacement (Caruana and others 2004): the best trial
first, then 29 times the one whose mean with those before is best by the metric; the picks up to the best of these means are the weights. So on these rows the stack is never
worse than its best member.

The members are fitted on all rows that trials saw: boosting for as many rounds as its trial found best, on all of these rows; networks again with watched rows. The served model is
one ONNX graph: each member on its own columns (\`Gather\`), then the weighted sum, kept within 0 and 1 for classes. Its forecasts are the weighted sum of the members' forecasts within
the rounding of float32.
`;

/** Returns the page. */
export function searchPage(): string {
  const parts = [INTRO, '## Metrics', METRICS_TEXT, metrics()];
  parts.push('## Early stopping and reports', STOPPING_TEXT, stopping());
  parts.push('## Settings', SETTINGS_TEXT, settings());
  const families = Object.entries(DEFAULT_FAMILIES).map(
    ([task, names]) => `${names.map(code).join(', ')} for ${task}`,
  );
  parts.push(
    '## Spaces of families',
    `What is searched over where a request gives no space; the value in brackets, of the family's defaults, is tried first. Without types a search goes over ${families.join(', and ')}.`,
    spaces(),
  );
  parts.push('## Groups of features', GROUPS_TEXT, groups());
  parts.push('## Stacks', STACK_TEXT);
  return `${parts.map((part) => part.trim()).join('\n\n')}\n`;
}

const code = (name: string) => `\`${name}\``;
const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

function metrics(): string {
  const rows = METRIC_NAMES.map((name) => {
    const { group, score, higher } = METRICS[name];
    const targets = TARGETS.filter((target) => metricsOf(target).includes(name)).map(({ kind }) =>
      code(kind),
    );
    return [code(name), higher ? 'high' : 'low', targets.join(', '), CONVENTIONS[group]![score]!];
  });
  return table(['metric', 'best', 'targets', 'is'], rows);
}

function stopping(): string {
  const rows = Object.entries(WATCHED).map(([family, { options }]) => [
    code(family),
    Object.entries(options)
      .map(([name, value]) => `${code(name)} ${value}`)
      .join(', '),
  ]);
  return table(['family', 'options'], rows);
}

function settings(): string {
  const rows = SEARCHED_FAMILIES.map((family) => {
    const own = Object.entries(SETTINGS[family] ?? {}).map(([name, setter]) => {
      const options = Object.keys(setter(2, { [name]: 2 })).filter((option) =>
        optionNames(family).includes(option),
      );
      return `${code(name)} is ${options.map(code).join(', ')}`;
    });
    return [code(family), own.join('; ')];
  });
  return table(['family', 'beside its options'], rows);
}

function spaces(): string {
  const rows = SEARCHED_FAMILIES.map((family) => {
    const first = defaultPoint(family);
    return [
      code(family),
      defaultSpace(family)
        .map((one) => dimension(one, first[one.name]!))
        .join('; '),
    ];
  });
  return table(['family', 'dimensions'], rows);
}

function dimension(one: Dimension, first: Choice): string {
  const range =
    one.kind === 'choice'
      ? one.values.join(', ')
      : `${one.low} to ${one.high}${one.log ? ' by its logarithm' : ''}`;
  return `${code(one.name)} ${range} [${first}]`;
}

function groups(): string {
  const columns = ['open', 'high', 'low', 'close', 'volume', 'sentiment'];
  const rows = featureGroups(FEATURE_GROUPS, columns).groups.map(({ name, features }) => [
    code(name),
    featureNames(features).map(code).join(', '),
  ]);
  return table(['group', 'inputs'], rows);
}
