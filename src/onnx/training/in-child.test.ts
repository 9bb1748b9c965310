import { describe, expect, test } from 'bun:test';
import { eventually } from '../../../test/support/eventually.ts';
import { DependencyUnavailableError, DivergedError, TooLargeError } from '../../core/errors.ts';
import { CancelledError } from '../../native/errors.ts';
import { trainInChild } from './in-child.ts';
import { products, smallJob } from './test-job.ts';
import { train } from './train.ts';

const endless = () => smallJob({ dropout: 0.1 }, { epochs: 1_000_000 });

const gone = (pid: number) => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

describe('training in a child process', () => {
  test('gives the bits of training in this process, and tells of progress', async () => {
    const job = smallJob({ dropout: 0.1 }, { validation: products(50, 5) });
    const fractions: number[] = [];
    const there = await trainInChild(job, {
      threads: 1,
      progress: ({ fraction }) => fractions.push(fraction),
    });
    const here = await train(job, { threads: 1 });
    expect(there).toEqual(here);
    expect(fractions.at(-1)).toBe(1);
  });

  test('is killed at once when it is cancelled, and leaves no process', async () => {
    const controller = new AbortController();
    let pid = 0;
    const running = trainInChild(endless(), {
      threads: 1,
      signal: controller.signal,
      started: (its) => {
        pid = its;
      },
      progress: () => controller.abort(),
    });
    await expect(running).rejects.toThrow(CancelledError);
    expect(gone(pid)).toBe(true);
    await expect(trainInChild(endless(), { threads: 1, signal: controller.signal })).rejects.toThrow(
      CancelledError,
    );
  });

  test('goes on from its last checkpoint when its process is killed, to the same bits', async () => {
    const job = smallJob({ dropout: 0.1 }, { epochs: 300 });
    const pids: number[] = [];
    let killed = false;
    const resumedFrom: number[] = [];
    const result = await trainInChild(job, {
      threads: 1,
      checkpointMs: 0,
      started: (pid) => pids.push(pid),
      progress: ({ step }) => {
        if (pids.length === 2) resumedFrom.push(step);
        if (killed || step < 200) return;
        killed = true;
        process.kill(pids[0]!, 'SIGKILL');
      },
    });
    expect(pids).toHaveLength(2);
    // It did not begin again.
    expect(resumedFrom[0]!).toBeGreaterThan(100);
    expect(result).toEqual(await train(job, { threads: 1 }));
  });

  test('ends with a clean error when its process is killed too often', async () => {
    const pids: number[] = [];
    const running = trainInChild(endless(), {
      threads: 1,
      restarts: 1,
      started: (pid) => pids.push(pid),
      progress: () => {
        if (!gone(pids.at(-1)!)) process.kill(pids.at(-1)!, 'SIGKILL');
      },
    });
    await expect(running).rejects.toThrow(DependencyUnavailableError);
    expect(pids).toHaveLength(2);
    await eventually(() => pids.every(gone), 'no process is left');
  });

  test('is stopped at its memory limit', async () => {
    await expect(trainInChild(endless(), { threads: 1, memoryBytes: 2 ** 20 })).rejects.toThrow(
      TooLargeError,
    );
  });

  test('hands on what went wrong inside', async () => {
    const optimiser = { kind: 'sgd', momentum: 0.9, weightDecay: 0 } as const;
    const job = smallJob({ optimiser }, { epochs: 50, schedule: { kind: 'constant', rate: 1e6 } });
    const error = await trainInChild(job, { threads: 1 }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(DivergedError);
    expect(error.extras.step).toBeGreaterThan(1);
  });
});
