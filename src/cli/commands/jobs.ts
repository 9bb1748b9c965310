// `nautilus jobs`: the long work of the running engines, and its end.
import { loadConfig } from '../../core/config.ts';
import { NautilusError, NotFoundError } from '../../core/errors.ts';
import type { JobReply } from '../../jobs/record.ts';
import { processUrl, request } from '../http-client.ts';
import { table } from '../output.ts';
import { type RunFile, readRunFile } from '../run-file.ts';

interface JobsPage {
  readonly jobs: readonly JobReply[];
  readonly total: number;
}

/** Prints the newest jobs of all engines, or of one; exit code 1 when no engine runs. */
export async function jobs(name: string | undefined, options: { readonly json?: boolean }): Promise<number> {
  const found: (JobReply & { readonly engine: string })[] = [];
  for (const engine of running(name)) {
    const page = await request<JobsPage>(`${processUrl(loadConfig(), engine)}/jobs`).catch((error) => {
      // Most engines have no jobs.
      if (error instanceof NautilusError && error.status === 404 && name === undefined) return null;
      throw error;
    });
    for (const job of page?.jobs ?? []) found.push({ engine: engine.name, ...job });
  }
  if (options.json) console.log(JSON.stringify({ jobs: found }, null, 2));
  else if (found.length === 0) console.log('No jobs.');
  else {
    const rows = found.map((job) => [
      job.engine,
      job.job_id,
      job.kind,
      job.cancel_requested && job.finished_ts_us === null ? 'stopping' : job.state,
      `${job.attempt}/${job.attempts}`,
      progressText(job),
      new Date(job.created_ts_us / 1000).toISOString(),
    ]);
    console.log(table([['ENGINE', 'JOB', 'KIND', 'STATE', 'ATTEMPT', 'PROGRESS', 'CREATED'], ...rows]));
  }
  return 0;
}

/** Cancels one job and prints what came of it. */
export async function jobsCancel(name: string, id: string): Promise<number> {
  const base = processUrl(loadConfig(), running(name)[0]!);
  const job = await request<JobReply>(`${base}/jobs/${encodeURIComponent(id)}`, { method: 'DELETE' });
  if (job.state === 'cancelled') console.log(`Cancelled ${id} (${job.kind}).`);
  else if (job.cancel_requested) console.log(`Asked ${id} (${job.kind}) to stop.`);
  else console.log(`${id} (${job.kind}) has ended already: it is ${job.state}.`);
  return job.cancel_requested ? 0 : 1;
}

// Replicas of one engine share a port and are asked once.
function running(name: string | undefined): RunFile['engines'] {
  const engines = readRunFile(loadConfig().dataDir)?.engines ?? [];
  const asked = [...new Map(engines.map((engine) => [engine.name, engine])).values()];
  const chosen = asked.filter((engine) => name === undefined || engine.name === name);
  if (chosen.length > 0) return chosen;
  throw new NotFoundError(
    name === undefined || engines.length === 0
      ? `No engines run on ${loadConfig().dataDir}: start them with \`bun run engines\``
      : `No engine ${name} runs; those that do: ${asked.map((engine) => engine.name).join(', ')}`,
  );
}

function progressText({ progress }: JobReply): string {
  if (!progress) return '-';
  const { done, total, note } = progress;
  const share = total ? `${Math.floor((done / total) * 100)}%` : String(done);
  return note ? `${share} ${note}` : share;
}
