// The page of a monitor: verdicts, distributions of the reference and of now, accuracy and latency over time.
import type { Condensed } from './condense.ts';
import { figure, type Html, html, pageOf, timeOf } from './html.ts';
import { barPlot, distributionPlot, linePlot } from './plots.ts';
import type { Comparison, MonitorReply, QualityReply, WindowReport, WindowSummary } from './schemas.ts';

const verdictOf = (drifted: boolean, reason: string) =>
  drifted
    ? html`<span class="bad">drifted</span>`
    : html`<span class="note">${reason.replaceAll('_', ' ')}</span>`;

/** The table and the plots of a comparison. */
export function comparisonOf(title: string, report: Condensed | null): Html {
  if (!report) return html`<h2>${title}</h2><p class="note">Nothing to compare with yet.</p>`;
  const { measure, columns, rows, left_out } = report;
  const plotted = columns.filter(({ plot }) => plot.length > 0);
  const bars = plotted.flatMap(({ column, tests }) => {
    const value = tests.psi?.statistic;
    return value === null || value === undefined ? [] : [{ name: column, value }];
  });
  const threshold = columns.find(({ tests }) => tests.psi)?.tests.psi?.effect.threshold ?? 0.25;
  const lines = columns.map(
    ({
      column,
      drifted,
      reason,
      text,
      tests,
      effect,
      p_adjusted,
      power,
    }) => html`<tr><td>${column}</td><td>${verdictOf(drifted, reason)}</td>
<td class="n">${figure(tests.psi?.statistic)}</td><td class="n">${figure(tests.ks?.statistic ?? tests.chi2?.statistic)}</td><td class="n">${figure(tests.js?.statistic)}</td><td class="n">${figure(tests.wasserstein?.statistic)}</td>
<td class="n">${figure(effect.value)} (${figure(effect.threshold)})</td><td class="n">${figure(p_adjusted)}</td><td class="n">${figure(power)}</td><td>${text}</td></tr>`,
  );
  const plots = plotted.map(
    ({ column, plot }) =>
      html`<figure>${distributionPlot(column, plot)}<figcaption>${column}</figcaption></figure>`,
  );
  return html`<h2>${title}</h2><p>${report.drifted} of ${report.judged} columns with a verdict drifted, by ${measure}; ${rows.reference} rows of the reference, ${rows.current} now.${left_out > 0 ? ` ${left_out} columns that differ less are not shown.` : ''}</p>
<table><tr><th>column</th><th>verdict</th><th>PSI</th><th>KS / chi-square</th><th>Jensen-Shannon</th><th>Wasserstein</th><th>effect (threshold)</th><th>adjusted p</th><th>power</th><th>why</th></tr>${lines}</table>
<h2>${title}: PSI</h2>${bars.length > 0 ? barPlot(`PSI of ${title}`, bars, threshold) : html`<p class="note">No column has one.</p>`}
<h2>${title}: distributions</h2><p class="note">Grey: reference. Blue: now.</p><div class="plots">${plots}</div>`;
}

function headOf(monitor: MonitorReply, report: WindowReport | null): Html {
  const { reference, alarms } = monitor;
  const from = reference
    ? `${reference.kind.replaceAll('_', ' ')}, ${reference.rows} rows${reference.why ? ` (${reference.why})` : ''}`
    : 'none yet';
  const list = alarms.map(
    ({ reason, ts_us, text }) => html`<li><span class="bad">${reason}</span> ${timeOf(ts_us)}: ${text}</li>`,
  );
  const window = report
    ? html`Window ${report.seq} of version ${report.version}, ${timeOf(report.opened_us)} to ${report.closed_us === null ? 'now (still open)' : timeOf(report.closed_us)}: ${report.rows} rows of ${report.requests} requests${report.skipped_rows > 0 ? `, ${report.skipped_rows} rows not looked at` : ''}${report.clock_jumped ? '. The clock jumped meanwhile: these times are in doubt' : ''}.`
    : html`No version serves.`;
  return html`<h1>${monitor.model_id}: drift</h1><p>${window} Reference: ${from}.</p>
<ul>${(report?.texts ?? []).map((text) => html`<li>${text}</li>`)}</ul>
<h2>Alarms</h2>${list.length > 0 ? html`<ul>${list}</ul>` : html`<p class="good">None.</p>`}`;
}

function overTime(report: WindowReport, windows: readonly WindowSummary[]): Html {
  const { accuracy, latency } = report;
  const name = accuracy.score === 'accuracy' ? 'Accuracy' : 'Mean absolute error';
  const oldest = windows.filter(({ version }) => version === report.version).reverse();
  return html`<h2>${name}</h2><p>${figure(accuracy.current)} of ${accuracy.rows} outcomes, was ${figure(accuracy.baseline)}: ${verdictOf(accuracy.drifted, accuracy.reason)}</p>
${linePlot(
  name,
  oldest.map((window) => window.accuracy.current),
  accuracy.baseline,
)}
<h2>Latency</h2><p>Median ${figure(latency.current_ms)} ms of ${latency.requests} requests, was ${figure(latency.baseline_ms)} ms: ${verdictOf(latency.drifted, latency.reason)}</p>
${linePlot(
  'Median latency in milliseconds',
  oldest.map((window) => window.latency.current_ms),
  latency.baseline_ms,
)}`;
}

/** Returns the page of a monitor; `windows` are newest first. */
export function reportPage(
  monitor: MonitorReply,
  report: WindowReport | null,
  windows: readonly WindowSummary[],
): Response {
  const body = report
    ? html`${headOf(monitor, report)}${overTime(report, windows)}${comparisonOf('Inputs', asDrift(report.inputs))}${comparisonOf('Predictions', asDrift(report.predictions))}`
    : headOf(monitor, report);
  return pageOf(`${monitor.model_id}: drift`, body);
}

const asDrift = (report: Comparison | null) => report as unknown as Condensed | null;

/** Returns the page of two tables. */
export function driftPage(report: Comparison): Response {
  return pageOf('Drift of tables', html`<h1>Drift of tables</h1>${comparisonOf('Columns', asDrift(report))}`);
}

/** Returns the page of a table. */
export function qualityPage({
  dataset_id,
  rows,
  columns,
  passed,
  findings,
  left_out,
}: QualityReply): Response {
  const lines = findings.map(
    ({ flag, column, count, share, failed, reason }) =>
      html`<tr><td>${column}</td><td>${flag.replaceAll('_', ' ')}</td><td>${failed ? html`<span class="bad">failed</span>` : html`<span class="note">noted</span>`}</td><td class="n">${count}</td><td class="n">${figure(share)}</td><td>${reason}</td></tr>`,
  );
  const verdict = passed ? html`<span class="good">passed</span>` : html`<span class="bad">failed</span>`;
  const more = left_out > 0 ? html`<p>${left_out} further findings are not shown.</p>` : null;
  return pageOf(
    'Quality of a table',
    html`<h1>Quality of table ${dataset_id}</h1><p>${rows} rows, ${columns} columns: ${verdict}</p><table><tr><th>column</th><th>what</th><th></th><th>count</th><th>share</th><th>why</th></tr>${lines}</table>${more}`,
  );
}
