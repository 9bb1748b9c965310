// How a participant enters, leaves and is thrown out of a replay.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { eventually } from '../../test/support/eventually.ts';
import { ConflictError } from '../core/errors.ts';
import { Bus } from './client.ts';
import { runLockstep } from './coordinator.ts';
import { MemoryHub } from './memory.ts';
import type { Participant } from './participant.ts';
import { EngineStream, type StreamOptions } from './stream.ts';
import { lockstepReportTopic, type SessionSpec, topics } from './topics.ts';
import { PlainUnits, type Unit, type UnitRunner } from './unit.ts';

const spec: SessionSpec = {
  session: 's1',
  symbol: 'X',
  interval_us: 1,
  portfolio_id: 'p',
  strategy: 'ma-cross',
  strategy_options: {},
  starting_cash: '0',
  fee_bps: 0,
  reset: false,
  participants: ['marketdata', 'features', 'risk'],
};
const bars = Array.from({ length: 10 }, (_, i) => ({
  body: {
    symbol: 'X',
    ts_event_us: i,
    interval_us: 1,
    open: 1,
    high: 1,
    low: 1,
    close: 1,
    volume: 0,
    source: 'replay',
  },
  tsEventUs: i,
}));

describe('a participant', () => {
  let buses: Bus[];
  let calls: string[];
  let reported: unknown[];

  beforeEach(() => {
    const hub = new MemoryHub();
    [buses, calls, reported] = [[], [], []];
    for (const name of ['marketdata', 'features', 'risk', 'supervisor']) {
      buses.push(new Bus(name, hub.connect(), { onHandlerError: (error) => void reported.push(error) }));
    }
  });
  afterEach(() => Promise.all(buses.map((b) => b.close())));

  async function join(
    name: string,
    bus: Bus,
    over: Partial<Participant> = {},
    options: StreamOptions = {},
  ): Promise<EngineStream> {
    const participant = {
      consumes: [topics.marketLiveData],
      emits: [],
      process: () => {},
      abort: () => void calls.push(`${name} aborted`),
      close: () => void calls.push(`${name} closed`),
      ...over,
    };
    const stream = new EngineStream(bus, name, participant, options);
    await stream.start();
    return stream;
  }
  const run = (options = {}) =>
    runLockstep(buses[0]!, spec, topics.marketLiveData, bars, { timeoutMs: 300, ...options });

  test('closes after the last barrier and is told of no abort', async () => {
    await join('features', buses[1]!);
    await join('risk', buses[2]!);
    await run();
    expect(calls.sort()).toEqual(['features closed', 'risk closed']);
  });

  test('is told to leave when another one refuses', async () => {
    const features = await join('features', buses[1]!);
    await join('risk', buses[2]!, {
      open: () => {
        throw new ConflictError('p already has history');
      },
    });
    await expect(run()).rejects.toThrow('risk: p already has history');
    await eventually(() => calls.length === 1, 'the abort');
    expect([calls, features.session]).toEqual([['features aborted'], undefined]);
  });

  test('that fails says so, leaves, and is reported once with its error', async () => {
    await join('features', buses[1]!, {
      process: () => {
        throw new Error('secret detail');
      },
    });
    await join('risk', buses[2]!);
    await expect(run()).rejects.toThrow(
      'Engine features failed during the replay: internal error, see the log',
    );
    await eventually(() => calls.length === 2, 'both have left');
    expect(reported.map(String)).toEqual(['Error: secret detail']);
  });

  test('whose end fails says so too, and leaves', async () => {
    await join('features', buses[1]!, {
      close: () => {
        throw new Error('disk full');
      },
    });
    await join('risk', buses[2]!);
    await expect(run({ timeoutMs: 5000 })).rejects.toThrow('Engine features failed during the replay');
    expect(calls).toContain('features aborted');
  });

  test('is never given a step twice: one that could not be stored ends the replay', async () => {
    const plain = new PlainUnits(buses[1]!);
    const units: UnitRunner = {
      // As where a unit shares a commit with another that fails.
      run: <T>(work: (unit: Unit) => T | Promise<T>) => plain.run(work).then(() => plain.run(work)),
    };
    let steps = 0;
    const process = () => void steps++;
    await join('features', buses[1]!, { process }, { units });
    await join('risk', buses[2]!);
    await expect(run()).rejects.toThrow('Engine features failed during the replay');
    expect([steps, reported.map(String)]).toEqual([
      1,
      ['InvariantError: Invariant: a step of a replay could not be stored'],
    ]);
  });

  test('leaves when the coordinator dies, and can be opened again', async () => {
    const features = await join('features', buses[1]!);
    await join('risk', buses[2]!);
    buses[0]!.publish(topics.lockstepControl, { kind: 'open', spec });
    await eventually(() => features.session !== undefined, 'the session is open');
    const exited = { engine: 'marketdata', event: 'exited' as const, pid: 1, exit_code: 137, detail: '' };
    buses[3]!.publish(topics.lifecycle, exited);
    await eventually(() => calls.length === 2 && features.session === undefined, 'both have left');
    await run();
    expect(calls.filter((c) => c.endsWith('closed'))).toHaveLength(2);
  });

  test('tells live messages from those of the replay in one batch, in any mixture', async () => {
    const seen = { live: 0, replay: 0 };
    const features = await join('features', buses[1]!, {
      process: (batch, publisher) => {
        seen[publisher.spec ? 'replay' : 'live'] += batch.length;
      },
    });
    const [feed] = buses as [Bus];
    feed.publish(topics.lockstepControl, { kind: 'open', spec });
    await eventually(() => features.session !== undefined, 'the session is open');
    const live = () => feed.publish(topics.marketLiveData, { ...bars[0]!.body, symbol: 'LIVE' });
    for (const [step, { body, tsEventUs }] of bars.entries()) {
      live();
      feed.publish(topics.marketLiveData, body, { tsEventUs, session: spec.session, step });
      live();
      const emitted = { [topics.marketLiveData.name]: 1 };
      const report = { kind: 'step' as const, session: spec.session, step, received: {}, emitted };
      feed.publish(lockstepReportTopic('marketdata'), report);
    }
    await eventually(() => seen.live + seen.replay === 30, 'every message is processed');
    expect(seen).toEqual({ live: 20, replay: 10 });
  });

  test('that never answers is named when the time is up', async () => {
    await join('features', buses[1]!);
    await expect(run()).rejects.toThrow('Expected risk to be ready within 300 ms');
    await join('risk', buses[2]!, { process: () => new Promise(() => {}) });
    await expect(run()).rejects.toThrow(/Expected risk to finish/);
  });

  test('ends the replay at once when it dies, without waiting for the time-out', async () => {
    await join('features', buses[1]!);
    const exited = { engine: 'risk', event: 'exited' as const, pid: 1, exit_code: 137, detail: '' };
    const running = run({ timeoutMs: 60_000 });
    await eventually(() => buses[1]!.stats().received > 0, 'the replay has begun');
    buses[3]!.publish(topics.lifecycle, exited);
    await expect(running).rejects.toThrow('Engine risk stopped during the replay');
  });
});
