// The process that trains, alone: it can be stopped at any moment, and leaves nothing behind.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkedOptions, familyOf } from '../../../src/learning/families.ts';
import { readFrameCsv } from '../../../src/learning/tables/read-csv.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { DatasetStore } from '../datasets/store.ts';
import { type ChildControl, inChild } from './in-child.ts';
import { trainInput } from './schemas.ts';

const ROWS = 400;
let dataDir: string;
let dataset_id: string;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'training-'));
  const lines = Array.from({ length: ROWS }, (_, i) => `${1_600_000_000 + i},${Math.sin(i)},${Math.cos(i)}`);
  const csv = new TextEncoder().encode(`ts,close,x\n${lines.join('\n')}\n`);
  async function* chunks() {
    yield csv;
  }
  const file = await readFrameCsv(chunks(), { maxBytes: 1e6, maxCells: 1e5 });
  dataset_id = (await new DatasetStore(dataDir, false).save(file, 'waves', 1)).dataset_id;
});
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

const order = (family: string, options: Record<string, unknown> = {}) =>
  ({
    kind: 'train',
    dataDir,
    threads: 1,
    checkpoints: join(dataDir, 'checkpoints'),
    checkpointMs: 20,
    input: trainInput.parse({
      model_id: 'waves',
      dataset_id,
      family,
      options: checkedOptions(familyOf(family), 'regression', options),
      features: [{ kind: 'value', column: 'x' }],
      target: { kind: 'value', column: 'close', horizon: 1 },
      steps: 1,
      resamples: 100,
    }),
  }) as const;

/** A fit that would take hours. */
const endless = () => order('mlp', { epochs: 100_000, batch_size: 8 });

/** Starts the endless fit, and returns its process once it says that it goes on. */
async function running(more: Partial<ChildControl> = {}) {
  const abort = new AbortController();
  let pid = 0;
  let told = 0;
  const ended = inChild(endless(), {
    signal: abort.signal,
    progress: () => told++,
    started: (its) => {
      pid = its;
    },
    ...more,
  }).then(
    () => null,
    (error) => error,
  );
  const isOver = { yet: false };
  void ended.then(() => {
    isOver.yet = true;
  });
  await eventually(() => told > 0 || isOver.yet, 'the fit goes on');
  return { abort, pid, ended };
}

const isWhole = (folder: string) => readdirSync(folder).some((name) => name.endsWith('.checkpoint'));

const isGone = (pid: number) => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

describe('a training in its own process', () => {
  test('is stopped at once by its signal, and no process stays', async () => {
    const { abort, pid, ended } = await running();
    expect(getPriority(pid)).toBeGreaterThan(getPriority());
    abort.abort();
    expect(await ended).toMatchObject({ slug: 'cancelled' });
    expect(isGone(pid)).toBe(true);
    expect(await inChild(endless(), { signal: abort.signal, progress() {} }).catch((e) => e)).toMatchObject({
      slug: 'cancelled',
    });
  });

  test('that is killed says so, as something to try again', async () => {
    const { pid, ended } = await running();
    process.kill(pid, 'SIGKILL');
    expect(await ended).toMatchObject({ slug: 'dependency-unavailable', status: 503 });
  });

  test('that is killed goes on from its last checkpoint, to the same bits', async () => {
    const long = order('mlp', { epochs: 400, batch_size: 16 });
    const { signal } = new AbortController();
    // The first word comes after one step.
    const fresh: number[] = [];
    const whole = await inChild(
      { ...long, checkpointMs: 1e6 },
      { signal, progress: (now) => fresh.push(now.fraction) },
    );
    const kept = { ...long, checkpoints: join(dataDir, 'kept') };
    const first = inChild(kept, {
      signal,
      progress() {},
      started: (pid) =>
        void eventually(() => existsSync(kept.checkpoints) && isWhole(kept.checkpoints), 'a checkpoint').then(
          () => process.kill(pid, 'SIGKILL'),
        ),
    });
    expect(await first.catch((e) => e)).toMatchObject({ slug: 'dependency-unavailable' });
    const fractions: number[] = [];
    const again = await inChild(kept, { signal, progress: (now) => fractions.push(now.fraction) });
    expect(Bun.hash(again.bytes)).toBe(Bun.hash(whole.bytes));
    expect(fractions[0]).toBeGreaterThan(fresh[0]!);
  });

  test('whose states can not be written goes on to the same bits', async () => {
    const long = order('mlp', { epochs: 100, batch_size: 16 });
    const control = { signal: new AbortController().signal, progress() {} };
    const whole = await inChild({ ...long, checkpoints: join(dataDir, 'fine'), checkpointMs: 1 }, control);
    expect(isWhole(join(dataDir, 'fine'))).toBe(true);
    // A file where the folder should be: nothing can be written below it.
    const checkpoints = join(dataDir, 'blocked');
    writeFileSync(checkpoints, '');
    const again = await inChild({ ...long, checkpoints, checkpointMs: 1 }, control);
    expect(Bun.hash(again.bytes)).toBe(Bun.hash(whole.bytes));
  });

  test('ends beyond its memory', async () => {
    const { pid, ended } = await running({ maxBytes: 1000 });
    expect(await ended).toMatchObject({ slug: 'too-large', extras: { limit_bytes: 1000 } });
    expect(isGone(pid)).toBe(true);
  });

  test('throws what the work throws, with its members', async () => {
    const control = { signal: new AbortController().signal, progress() {} };
    const gone = { ...order('ridge'), dataDir: join(dataDir, 'none') };
    expect(await inChild(gone, control).catch((e) => e)).toMatchObject({ slug: 'not-found', status: 404 });
    const { input } = order('ridge');
    const few = { ...order('ridge'), input: { ...input, steps: 398 } };
    expect(await inChild(few, control).catch((e) => e)).toMatchObject({
      slug: 'insufficient-history',
      status: 422,
      extras: { needed: expect.any(Number) },
    });
  });
});
