// The tables of the page of models, and the words beside them.
import * as format from './format.js';
import { byId, Table } from './tables.js';

/** A figure with four digits that count; small ones with an exponent. */
export function figure(value) {
  if (value === null || value === undefined) return format.NONE;
  const size = Math.abs(value);
  const text =
    size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(2) : `${Number(value.toPrecision(4))}`;
  return text.replace('-', '−');
}

const named = (entries) => entries.map(([name, value]) => `${name} ${figure(value)}`);
const figures = (metrics) => {
  const all = named(Object.entries(metrics));
  return [all.slice(0, 3).join(', '), '', all.join('\n')];
};

const STAGES = { production: 'up', staging: '', archived: 'dim', none: 'dim' };
const SIGNALS = { BUY: ['▲ BUY', 'up'], SELL: ['▼ SELL', 'down'], HOLD: ['HOLD', 'dim'] };
const DECISIONS = { execute: ['✓ execute', 'up'], hold: ['hold', 'dim'], reject: ['✗ reject', 'down'] };
const EXPERIMENTS = {
  promoted: 'up',
  rolled_back: 'down',
  stopped: 'dim',
  ended: 'dim',
  inconclusive: 'dim',
};

/** Rows of the registry: one for each version, the model named in the first. */
export function registryRows(models) {
  return [...models]
    .sort((a, b) => (a.model_id < b.model_id ? -1 : 1))
    .flatMap((model) => {
      const versions = model.versions.length > 0 ? model.versions : [null];
      return versions.map((version, i) => ({ model, version, isFirst: i === 0 }));
    });
}

const REGISTRY = [
  ['Model', '', ({ model, isFirst }) => (isFirst ? [model.model_id, '', model.name] : '')],
  ['Type', 'dim', ({ model, isFirst }) => (isFirst ? [model.model_type, '', model.algorithm ?? ''] : '')],
  ['Version', 'num', ({ version }) => version?.version ?? format.NONE],
  [
    'Stage',
    '',
    ({ model, version }) => {
      if (!version) return ['no version', 'dim'];
      const serves = version.version === model.deployed_version;
      return [serves ? '● serves' : version.stage, STAGES[version.stage] ?? ''];
    },
  ],
  ['Figures', 'why', ({ version }) => (version ? figures(version.metrics) : '')],
  [
    'Made (UTC)',
    'time',
    ({ version }) => (version?.created_us ? format.time(version.created_us) : format.NONE),
  ],
];

const LEADERS = [
  ['Rank', 'num', (leader) => `${leader.rank}`],
  ['Trial', 'num', (leader) => `${leader.trial}`],
  ['Type', '', (leader) => leader.model_type],
  ['Score', 'num', (leader) => figure(leader.score)],
];

const arms = ({ weights, counts, p_values }) =>
  Object.entries(weights).map(([arm, weight]) => {
    const p = arm in p_values ? `, p ${figure(p_values[arm])}` : '';
    return `${arm} ${format.percent(weight, 0)} (${format.count(counts[arm] ?? 0)}${p})`;
  });

const EXPERIMENT = [
  ['Model', '', (e) => [e.model_id, '', e.experiment_id]],
  ['Mode', 'dim', (e) => e.mode],
  ['State', '', (e) => [e.state.replace('_', ' '), EXPERIMENTS[e.state] ?? '', e.reason ?? '']],
  ['Arms', 'why', (e) => [arms(e).join(', '), '', `${e.metric}\n${arms(e).join('\n')}`]],
  ['Winner', '', (e) => e.winner ?? format.NONE],
];

const MONITOR = [
  ['Model', '', (m) => [m.model_id, '', `version ${m.model_version}`]],
  ['Rows', 'num', (m) => format.count(m.rows)],
  ['PSI in', 'num', (m) => [figure(m.input_psi_max), '', m.drifted_inputs.join('\n')]],
  ['PSI out', 'num', (m) => figure(m.prediction_psi_max)],
  [
    'Score',
    'num',
    (m) => [figure(m.score_now), '', m.score ? `${m.score}, before ${figure(m.score_before)}` : ''],
  ],
  ['ms', 'num', (m) => [figure(m.latency_ms), '', `before ${figure(m.latency_before_ms)}`]],
  ['Alarms', 'why', (m) => monitorWord(m)],
];

function monitorWord({ alarms: raised, texts, retraining }) {
  const word = retraining ? [`retraining ${retraining.state}`] : [];
  const all = [...raised.map((alarm) => alarm.replaceAll('_', ' ')), ...word];
  return [all.join(', ') || 'none', raised.length > 0 ? 'down' : 'dim', texts.join('\n')];
}

const PREDICTION = [
  ['Time (UTC)', 'time', (p) => [format.shortTime(p.ts_event_us), '', format.time(p.ts_event_us)]],
  ['Symbol', '', (p) => p.symbol],
  ['Prediction', 'num', (p) => figure(p.prediction)],
  ['Confidence', 'num', (p) => (p.prediction === null ? format.NONE : format.percent(p.confidence, 1))],
  ['Model', 'why', (p) => [p.model_id, '', `${p.model_id}@${p.model_version} on ${p.hardware_used}`]],
];

const DECISION = [
  ['Time (UTC)', 'time', (d) => [format.shortTime(d.ts_event_us), '', format.time(d.ts_event_us)]],
  ['Symbol', '', (d) => [d.symbol, '', d.portfolio_id ?? 'posted positions']],
  ['Signal', '', (d) => SIGNALS[d.signal] ?? format.NONE],
  ['ML', 'num', (d) => [figure(d.ml_confidence), '', `${d.model_id}@${d.model_version}`]],
  ['Risk', 'num', (d) => figure(d.risk_score)],
  ['Combined', 'num', (d) => figure(d.combined_confidence)],
  ['Decision', '', (d) => [...DECISIONS[d.decision], gates(d)]],
  ['Trade', 'num', (d) => format.signedPercent(d.weight_change)],
  ['ms', 'num', (d) => figure(d.total_ms)],
  ['Why not', 'why', (d) => [d.reasons.join('; '), '', d.reasons.join('\n')]],
];

const gates = (d) =>
  d.gates
    .map((g) => `${g.passed ? '✓' : '✗'} ${g.gate} ${figure(g.value)} (${figure(g.threshold)})`)
    .join('\n');

/** The tables, by what they show. */
export function makeTables() {
  const table = (id, columns, empty) => new Table(byId(id), columns, empty);
  return {
    registry: table('registry', REGISTRY, 'No model yet'),
    leaders: table('leaders', LEADERS, 'No complete trial yet'),
    experiments: table('experiments', EXPERIMENT, 'No experiment yet'),
    monitors: table('monitors', MONITOR, 'No window of a monitor yet'),
    predictions: table('predictions', PREDICTION, 'No prediction yet'),
    decisions: table('decisions', DECISION, 'No decision yet'),
  };
}
