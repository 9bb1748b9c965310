// Live messages whose handling could not be stored: kept in order, tried again, given up.
import { beforeEach, describe, expect, test } from 'bun:test';
import { eventually } from '../../test/support/eventually.ts';
import { StorageUnavailableError, StorageUncertainError } from '../core/errors.ts';
import type { Envelope } from './envelope.ts';
import { Postponed, type PostponedOptions } from './postponed.ts';

const batchOf = (...ids: string[]) => ids.map((id) => ({ id }) as Envelope);

describe('messages that cannot be stored', () => {
  let failure: Error | undefined;
  let handled: string[];
  let heard: string[];
  let chain: Promise<void>;

  beforeEach(() => {
    [failure, handled, heard, chain] = [new StorageUnavailableError('away'), [], [], Promise.resolve()];
  });

  function make(options: PostponedOptions = {}) {
    const enqueue = (work: () => Promise<void>) => {
      chain = chain.then(work).catch((error) => void heard.push(error.message));
      return chain;
    };
    const postponed = new Postponed({
      ...options,
      handle: async (batch) => {
        if (failure && !(batch[0]!.id === 'good')) throw failure;
        handled.push(...batch.map(({ id }) => id));
      },
      enqueue,
      failed: (error) => void heard.push((error as Error).message),
      dropped: (count) => void heard.push(`dropped ${count}`),
    });
    const take = (...ids: string[]) => enqueue(() => postponed.take(batchOf(...ids)));
    return { postponed, take };
  }

  test('are handled in their order once that is possible, later ones behind them; one failure is told', async () => {
    const { postponed, take } = make();
    await take('a', 'b');
    await take('c');
    await take('good');
    expect([handled, postponed.status().waiting]).toEqual([[], 4]);
    failure = undefined;
    await eventually(() => handled.length === 4, 'all are handled');
    await take('d');
    expect(handled).toEqual(['a', 'b', 'c', 'good', 'd']);
    expect(postponed.status()).toEqual({ waiting: 0, handled: 4, dropped: 0 });
    expect(heard).toEqual(['away']);
  });

  test('are given up oldest first when they are too many', async () => {
    const { postponed, take } = make({ maxMessages: 3 });
    for (const ids of [['a'], ['b', 'c'], ['d']]) await take(...ids);
    expect(heard).toEqual(['away', 'dropped 1']);
    failure = undefined;
    await eventually(() => handled.length === 3, 'the others are handled');
    expect(handled).toEqual(['b', 'c', 'd']);
    expect(postponed.status()).toEqual({ waiting: 0, handled: 3, dropped: 1 });
  });

  test('are given up when they are too old', async () => {
    const { postponed, take } = make({ keepMs: 1 });
    await take('a');
    await eventually(() => postponed.status().dropped === 1, 'it is given up');
    failure = undefined;
    await take('b');
    expect([handled, heard]).toEqual([['b'], ['away', 'dropped 1']]);
  });

  test('are not tried again when they may have been stored, or fail for another reason', async () => {
    const { postponed, take } = make();
    for (const error of [new StorageUncertainError('lost while it was asked'), new Error('a bug')]) {
      failure = error;
      await take('a');
    }
    expect(postponed.status().waiting).toBe(0);
    expect(heard).toEqual(['lost while it was asked', 'a bug']);
  });

  test('and then fail for another reason are lost alone', async () => {
    const { take } = make();
    await take('a');
    await take('good');
    failure = new Error('a bug');
    await eventually(() => handled.length === 1, 'the one behind it is handled');
    expect([handled, heard]).toEqual([['good'], ['away', 'a bug']]);
  });

  test('are tried once more at the end, and no later', async () => {
    const one = make();
    await one.take('a');
    failure = undefined;
    await one.postponed.close();
    failure = new StorageUnavailableError('away');
    const other = make();
    await other.take('b');
    await other.postponed.close();
    expect([handled, heard]).toEqual([['a'], ['away', 'away', 'dropped 1']]);
  });
});
