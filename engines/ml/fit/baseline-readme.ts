// The prose of a fitted baseline model, with every figure taken from its card.
import type { ModelCard } from '../../../src/onnx/model-card.ts';

/** Returns the Markdown page of a baseline card (one whose parameters and scores are those of `fitBaseline`). */
export function readme(card: ModelCard): string {
  const { metrics, intervals } = card.out_of_sample;
  const { trained_on: data, split } = card;
  const horizon = card.hyperparameters.horizon_bars;
  const row = (title: string, name: string, reference: string) => {
    const { low, high } = intervals[name]!;
    return `| ${title} | ${fixed(metrics[name])} | ${fixed(low)} to ${fixed(high)} | ${reference} |`;
  };
  const inputs = card.inputs.map(({ name, formula }, j) => {
    const weight = (card.parameters!.coefficients as number[])[j]!;
    return `| ${j} | \`${name}\` | \`${formula}\` | ${fixed(weight)} |`;
  });
  return `# ${card.model_id}

**A demonstration baseline, not a trading edge.** It shows the path from bars to a served model with honest figures; do
not trade on it.

Logistic regression: the ${card.output.meaning}, for ${data.symbol}. Version ${card.version}.

## How well it does

On the last ${split.test.rows} bars (${split.test.from} to ${split.test.to}), which the fit never saw and by which
nothing was chosen:

| score | value | 95% interval | a constant forecast of the training base rate |
|---|---|---|---|
${row('accuracy', 'accuracy', fixed(metrics.constant_accuracy))}
${row('AUC', 'auc', '0.5000')}
${row('log-loss (nats)', 'log_loss', fixed(metrics.constant_log_loss))}
${row('Brier', 'brier', fixed(metrics.constant_brier))}
${row('gross return, bps a bar', 'gross_return_bps', fixed(metrics.constant_gross_return_bps))}
${row('share of rises', 'base_rate', `${fixed(metrics.train_base_rate)} in training`)}

${verdict(card)}

Intervals: ${intervals.auc!.method}.
They cover sampling noise within the test part, not a change of market. Gross return: log return over the next ${horizon} bars,
long where the probability is 0.5 or more and short elsewhere, before spread, fees, funding and delay.

## Inputs

Float32 [rows, ${card.inputs.length}] named \`input\`; the graph standardises them itself. Output: \`${card.output.name}\`, float32
[rows, 1]. Definitions of the features: \`src/indicators\`.

| column | name | formula | weight per standard deviation |
|---|---|---|---|
${inputs.join('\n')}

## How it was made

- Data: \`${data.file}\` (SHA-256 \`${data.sha256}\`), ${data.rows} bars, ${data.from} to ${data.to}.
- Split in time: first ${split.train_fraction * 100}% to train (${split.train.rows} rows), the rest to test; an embargo of
  ${split.embargo_bars} bars between them, so that no training label looks into the test part.
- Fit: Newton's method in float64, L2 penalty ${card.hyperparameters.l2}, intercept free. Nothing is random; the seed
  ${card.seed.value} only drives the bootstrap.
- A label is 1 where the close ${horizon} bars ahead is strictly above the current close. Labels of neighbouring bars overlap.
- Again, with equal bytes: \`bun run fit:baseline -- --data <file> --symbol ${data.symbol}\`.

Licence: ${card.licence}.
`;
}

/** Says what the figures mean, whichever way they came out. */
function verdict(card: ModelCard): string {
  const { metrics, intervals } = card.out_of_sample;
  const { low, high } = intervals.auc!;
  const ranking =
    low > 0.5
      ? 'The AUC interval lies above 0.5: the ranking is a little better than chance on these bars.'
      : high < 0.5
        ? 'The AUC interval lies below 0.5: on these bars the ranking is worse than chance.'
        : 'The AUC interval holds 0.5: the ranking can not be told from chance.';
  const better = metrics.log_loss! < metrics.constant_log_loss!;
  const probability = better
    ? 'Its probabilities beat a constant forecast in log-loss.'
    : 'Its probabilities are no better than a constant forecast in log-loss.';
  const gross = intervals.gross_return_bps!;
  const money =
    gross.low > 0
      ? 'Its gross return is above zero here; costs are not in it.'
      : 'Its gross return can not be told from zero, before any costs.';
  return `${ranking}\n${probability}\n${money}`;
}

function fixed(value: number | undefined): string {
  return (value ?? Number.NaN).toFixed(4);
}
