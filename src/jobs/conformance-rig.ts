// What the suite of the backends of jobs is built on: places, jobs on them, and what they say on the bus.
import { afterEach } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { Bus } from '../bus/client.ts';
import type { Envelope } from '../bus/envelope.ts';
import { MemoryHub } from '../bus/memory.ts';
import { type BodyOf, topics } from '../bus/topics.ts';
import { createLog } from '../core/log.ts';
import { defineJob, type JobContext, type JobDefinition } from './define.ts';
import { Jobs, type JobsParts } from './jobs.ts';
import { backendAt } from './test-worker.ts';

/** A place for jobs that nobody else uses: as `backendAt` takes it. */
export interface JobPlace {
  readonly place: string;
  close(): Promise<void> | void;
}

type Body = BodyOf<typeof topics.jobs>;
// biome-ignore lint/suspicious/noExplicitAny: definitions of many types
type Definitions = readonly JobDefinition<any, any>[];

const anything = z.unknown();

/** A job whose work the test gives. */
export function scripted(
  work: (name: string, context: JobContext) => unknown,
  over: Partial<Pick<JobDefinition, 'attempts' | 'concurrency' | 'timeoutMs' | 'backoffMs' | 'priority'>> & {
    dedupKey?: (input: string) => string;
  } = {},
) {
  return defineJob({ kind: 'work', input: z.string(), result: anything, backoffMs: 1, run: work, ...over });
}

/** Resolves when the signal has fired. */
export function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
}

/** Returns what the tests of one block share; call it within `describe`. */
export function jobsRig(make: () => Promise<JobPlace> | JobPlace) {
  const open: { jobs: Jobs[]; places: JobPlace[]; folders: string[]; workers: Bun.Subprocess[] } = {
    jobs: [],
    workers: [],
    places: [],
    folders: [],
  };
  let hub = new MemoryHub();
  let messages: Envelope<Body>[] = [];

  async function newPlace(): Promise<string> {
    hub = new MemoryHub();
    messages = [];
    await new Bus('watcher', hub.connect()).subscribe(
      topics.jobs,
      (batch) => void messages.push(...(batch as readonly Envelope<Body>[])),
    );
    const made = await make();
    open.places.push(made);
    return made.place;
  }

  async function jobsAt(
    place: string,
    definitions: Definitions,
    over: Partial<JobsParts> = {},
  ): Promise<Jobs> {
    const jobs = new Jobs({
      engine: 'test',
      definitions,
      backend: await backendAt(place, definitions),
      bus: new Bus('test', hub.connect()),
      log: createLog('jobs', 'silent'),
      signalGraceMs: 50,
      ...over,
    });
    open.jobs.push(jobs);
    return jobs;
  }

  async function started(definitions: Definitions, over: Partial<JobsParts> = {}): Promise<Jobs> {
    const jobs = await jobsAt(await newPlace(), definitions, over);
    await jobs.start();
    return jobs;
  }

  /** The states of a job that the bus was told of. */
  const states = (id: string) => messages.filter((m) => m.body.job_id === id).map((m) => m.body.state);
  const resultOf = async (jobs: Jobs, id: string) => {
    const result = await jobs.result(id);
    return 'json' in result ? JSON.parse(result.json) : result.job;
  };

  afterEach(async () => {
    for (const worker of open.workers.splice(0)) {
      worker.kill('SIGKILL');
      await worker.exited;
    }
    await Promise.all(open.jobs.splice(0).map((jobs) => jobs.stop(200)));
    for (const place of open.places.splice(0)) await place.close();
    for (const folder of open.folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });

  /** A folder for the marks of another process. */
  function marksFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'jobs-'));
    open.folders.push(folder);
    return folder;
  }

  /** Starts a process that runs the marked jobs, until it is killed or the test is over. */
  function startWorker(place: string, marks: string) {
    const script = join(import.meta.dir, 'test-worker.ts');
    const stdio: ['ignore', 'inherit', 'inherit'] = ['ignore', 'inherit', 'inherit'];
    const worker = Bun.spawn([process.execPath, script, place, marks], { stdio });
    open.workers.push(worker);
    return worker;
  }

  return { newPlace, jobsAt, started, states, resultOf, marksFolder, startWorker, messages: () => messages };
}

export type JobsRig = ReturnType<typeof jobsRig>;
