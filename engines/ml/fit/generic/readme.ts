// The prose of a generic model, with every figure taken from its card.
import type { ModelCard } from '../../../../src/onnx/model-card.ts';

/** Returns the Markdown page of a card that `fitGeneric` made. */
export function genericReadme(card: ModelCard): string {
  const { trained_on: data, split, serving } = card;
  const { metrics, intervals } = card.out_of_sample;
  const group = card.model_type;
  const naive = group === 'classification' ? 'class_frequencies' : 'train_mean';
  const shown = group === 'classification' ? ['log_loss', 'accuracy', 'brier'] : ['rmse', 'mae', 'r2'];
  const rows = shown.map((score) => {
    const { low, high } = intervals[`${group}.${score}`] ?? { low: Number.NaN, high: Number.NaN };
    const other = metrics[`${group}.${naive}.${score}`];
    return `| ${score} | ${words(metrics[`${group}.${score}`])} | ${words(low)} to ${words(high)} | ${words(other)} |`;
  });
  const files = [data, ...(data.more ?? [])].map(
    ({ file, sha256, symbol }) => `| \`${file}\` | ${symbol} | \`${sha256}\` |`,
  );
  const inputs = card.inputs.map(({ name, formula }) => `| \`${name}\` | \`${formula}\` |`);
  return `# ${card.model_id}

**A demonstration baseline, not a trading edge.** It answers for symbols that no trained model names, from the numbers of one request alone; do not trade on it.

${card.algorithm}: ${card.output.meaning}. Version ${card.version}.

## How well it does

On the last ${split.test.rows} rows (${split.test.from} to ${split.test.to}), which the fit never saw and by which nothing was chosen:

| score | value | 95% interval | naive forecast (\`${naive}\`) |
|---|---|---|---|
${rows.join('\n')}

${verdict(card, `${group}.${naive}`, shown[0]!)}
${
  serving?.interval
    ? `The interval of ${serving.interval.level * 100}% is the forecast plus and minus ${serving.interval.margin}; it held ${words(metrics['interval.test_coverage'])} of the test rows.`
    : 'Probabilities are calibrated by one temperature on rows that fitted nothing else.'
}

## Inputs

Float32 [rows, ${card.inputs.length}] named \`input\`; the graph standardises them itself. The names in the formulas are those of the request.

| column | formula |
|---|---|
${inputs.join('\n')}

RSI (14) and MACD (12, 26) are of bars of ${data.interval_us / 60e6} minutes${data.interval_us === 86_400e6 ? ', one a day' : ''}; others mean something else to it.${
    card.hyperparameters.usd_per_quote === 1
      ? ''
      : ` Prices of the data are in bitcoin; turnover counts ${card.hyperparameters.usd_per_quote} US dollars for one.`
  }

## How it was made

| file | symbols | SHA-256 |
|---|---|---|
${files.join('\n')}

${data.rows} rows of ${data.from} to ${data.to}. The first ${Math.round(split.train_fraction * 100)}% in time fit and calibrate (the latest fifth of those), the rest test;
no label reaches into a later part. Again, with equal bytes on the same processor: \`bun run fit:templates -- --data <folder>\`.

Licence: ${card.licence}.
`;
}

/** Says what the figures mean, whichever way they came out. */
function verdict({ out_of_sample: { metrics, intervals } }: ModelCard, naive: string, score: string): string {
  const name = `${naive}.${score}.advantage`;
  const range = intervals[name];
  const by = `The advantage in ${score} is ${words(metrics[name])}, interval ${words(range?.low)} to ${words(range?.high)}:`;
  if (range && range.low > 0) return `${by} it beats the naive forecast on these rows.`;
  if (range && range.high < 0) return `${by} it is worse than the naive forecast on these rows.`;
  return `${by} it can not be told from the naive forecast on these rows.`;
}

function words(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? '-' : `${Number(value.toPrecision(4))}`;
}
