// The page of models: binds the state and the panels.
import * as format from './format.js';
import { LossChart } from './model-chart.js';
import { figure, makeTables, registryRows } from './model-panels.js';
import { applyMessage, applySnapshot, createState } from './model-state.js';
import { runPage } from './page.js';
import { drawEngines, drawOptions } from './panels.js';
import { byId, setText } from './tables.js';

const state = createState();
const view = { picked: {} };
const tables = makeTables();
const lossChart = new LossChart(byId('loss-chart'));

const redraw = runPage('/snapshot/models', ['ml.*', 'system.*'], state, {
  applySnapshot,
  applyMessage,
  draw,
});

const newestFirst = (map) => [...map.values()].reverse();
const bySymbol = (a, b) => (a.symbol < b.symbol ? -1 : 1);

function draw(dirty, isLinked) {
  setText(byId('version'), state.version);
  if (dirty.has('engines')) drawEngines(state.engines, isLinked);
  if (dirty.has('models')) drawRegistry();
  if (dirty.has('trainings')) drawTraining();
  if (dirty.has('searches')) drawSearch();
  if (dirty.has('experiments')) drawList('experiments', newestFirst(state.experiments));
  if (dirty.has('monitors')) drawList('monitors', newestFirst(state.monitors));
  if (dirty.has('predictions')) drawList('predictions', [...state.predictions.values()].sort(bySymbol));
  if (dirty.has('decisions')) drawList('decisions', newestFirst(state.decisions));
}

function drawList(name, rows) {
  tables[name].draw(rows);
  setText(byId(`${name}-count`), rows.length > 0 ? format.count(rows.length) : '');
}

function drawRegistry() {
  const models = [...state.models.values()];
  tables.registry.draw(registryRows(models));
  const serving = models.filter((model) => model.deployed_version !== null).length;
  setText(
    byId('registry-count'),
    models.length > 0 ? `${format.count(models.length)}, ${serving} serving` : '',
  );
}

// What the user picked stays while it exists; otherwise the newest is shown.
function shown(kind, map) {
  const all = newestFirst(map);
  const id = map.has(view.picked[kind]) ? view.picked[kind] : all[0]?.job_id;
  drawOptions(
    byId(kind),
    all.map((one) => one.job_id),
    id,
  );
  const select = byId(kind);
  for (const [i, one] of all.entries()) setText(select.options[i], nameOf(one));
  return map.get(id);
}

const nameOf = (one) => `${one.model_id ?? one.kind} ${one.job_id.slice(-6)}`;
const TONES = { completed: 'good', failed: 'bad', cancelled: 'warn' };

function drawState(kind, one) {
  const tag = byId(`${kind}-state`);
  tag.hidden = !one;
  if (!one) return;
  tag.dataset.tone = TONES[one.state] ?? 'busy';
  setText(tag, `${one.state} ${format.percent(one.fraction, 0)}`);
  tag.title = one.reason ?? '';
}

function drawTraining() {
  const training = shown('training', state.trainings);
  drawState('training', training);
  const curve = training?.curve ?? { step: [], loss: [], validation_loss: [] };
  const isEmpty = curve.step.length === 0;
  byId('loss-empty').hidden = !isEmpty;
  byId('loss-chart').classList.toggle('none', isEmpty);
  lossChart.draw(curve);
  const words = training
    ? [
        training.family,
        `step ${training.step ?? format.NONE}`,
        `loss ${figure(training.loss)}`,
        `validation ${figure(training.validation_loss)}`,
        ...(training.model_version ? [`version ${training.model_version}`] : []),
      ]
    : [];
  setText(byId('training-readout'), words.join(' · '));
}

function drawSearch() {
  const search = shown('search', state.searches);
  drawState('search', search);
  const { complete = 0, pruned = 0, failed = 0, running = 0 } = search?.trials ?? {};
  const words = search
    ? [
        `${search.metric} ${figure(search.best_score)}`,
        `${complete} complete, ${pruned} pruned, ${failed} failed, ${running} running of ${search.max_trials}`,
      ]
    : [];
  setText(byId('search-readout'), words.join(' · '));
  tables.leaders.draw((search?.leaders ?? []).map((leader, i) => ({ ...leader, rank: i + 1 })));
}

for (const [kind, part] of [
  ['training', 'trainings'],
  ['search', 'searches'],
]) {
  byId(kind).addEventListener('change', ({ target }) => {
    view.picked[kind] = target.value;
    redraw(part);
  });
}
