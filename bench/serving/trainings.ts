// Trainings over HTTP, one after the other, for as long as something else is measured.
import { rowsOf } from './models.ts';

const ROWS = 20_000;
const FAMILIES = ['gradient_boosting', 'mlp'] as const;

/** A table of numbers over time with something to learn in it. */
function table(): string {
  const lines = ['ts,close,a,b,c,d,e,f'];
  let close = 100;
  for (const [i, row] of rowsOf(ROWS).entries()) {
    lines.push(`${1_600_000_000 + i * 60},${close},${row.slice(0, 6).join(',')}`);
    close *= Math.exp(0.01 * row[0]!);
  }
  return lines.join('\n');
}

async function ask(url: string, path: string, method = 'GET', body?: string | object) {
  const given =
    typeof body === 'string'
      ? { body, headers: { 'content-type': 'text/csv' } }
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await fetch(url + path, { method, ...(body === undefined ? {} : given) });
  const text = await response.text();
  if (!response.ok) throw new Error(`Expected success of ${method} ${path}, was ${response.status}: ${text}`);
  return text === '' ? null : JSON.parse(text);
}

/** Posts the table and the models; resolves with what starts trainings of them. */
export async function prepareTrainings(url: string): Promise<() => ReturnType<typeof startTrainings>> {
  const { dataset_id } = await ask(url, '/datasets?name=bench', 'POST', table());
  for (const family of FAMILIES) {
    const model_id = `bench-${family.replaceAll('_', '-')}`;
    await ask(url, '/models', 'POST', { model_id, model_type: 'price_prediction', family });
  }
  return () => startTrainings(url, dataset_id);
}

/** Starts trainings in turn, and resolves when the first one runs; what it resolves to ends them and says how many ran. */
async function startTrainings(url: string, dataset_id: string): Promise<() => Promise<string>> {
  let isOver = false;
  const running = Promise.withResolvers<void>();
  const features = ['a', 'b', 'c', 'd', 'e', 'f'].map((column) => ({ kind: 'value', column }));
  const all = (async () => {
    let done = 0;
    for (; !isOver; done++) {
      const model_id = `bench-${FAMILIES[done % FAMILIES.length]!.replaceAll('_', '-')}`;
      const asked = { dataset_id, features, target: { kind: 'log_return' } };
      let job = await ask(url, `/models/${model_id}/train`, 'POST', asked);
      const path = job.progress_url;
      for (job = null; !isOver && !job?.finished_ts_us; ) {
        job = await ask(url, path);
        if (job.progress) running.resolve();
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      if (job?.error) throw new Error(`Expected a training that ends well, was ${job.error.detail}`);
      if (!job?.finished_ts_us) await ask(url, path, 'DELETE');
    }
    return done;
  })();
  await Promise.race([running.promise, all]);
  return async () => {
    isOver = true;
    return `${await all} trainings begun, ${ROWS.toLocaleString('en-US')} rows`;
  };
}
