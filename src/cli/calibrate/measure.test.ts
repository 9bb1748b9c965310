import { describe, expect, test } from 'bun:test';
import { measureRow, SHARES, type TimedRow } from './measure.ts';

// A row on a simulated clock: the CPU takes `elements` microseconds, Metal `launch` and a hundredth of that.
function rig(launchMs: number, more: Partial<{ leavesAt: number; tooBig: number; slowMetal: number }> = {}) {
  const state = { ms: 0, released: 0, runs: [] as string[] };
  const row: TimedRow = {
    id: 'row',
    prepare(share) {
      const elements = Math.round(share * 4 ** 9);
      if (elements > (more.tooBig ?? Infinity)) return null;
      return {
        elements,
        run(backend) {
          state.runs.push(backend);
          state.ms +=
            backend === 'cpu'
              ? elements / 1000
              : launchMs + (more.slowMetal ? elements / 1000 : elements / 100_000);
          return backend === 'metal' && elements >= (more.leavesAt ?? Infinity) ? 'cpu' : backend;
        },
        release: () => void state.released++,
      };
    },
  };
  return { row, state, now: () => state.ms };
}

describe('measureRow', () => {
  test('finds the size from which Metal wins, and ends soon after it clearly does', () => {
    const { row, now, state } = rig(1);
    const found = measureRow(row, 60_000, now);
    // 1 ms of launch is worth it from 1,011 elements on; the sizes are powers of 4.
    expect(found.metal_from).toBe(1024);
    expect(found.sizes.map(({ elements }) => elements)).toEqual([1, 4, 16, 64, 256, 1024, 4096, 16384]);
    expect(found.sizes[5]).toEqual({ elements: 1024, cpu_ms: 1.024, metal_ms: 1.01 });
    expect(found.note).toBeUndefined();
    expect(state.released).toBe(found.sizes.length);
  });

  test('knows no size where Metal never wins', () => {
    const { row, now } = rig(1e6);
    const found = measureRow(row, 1e12, now);
    expect(found.metal_from).toBe(0);
    expect(found.note).toBeUndefined();
    expect(found.sizes).toHaveLength(SHARES.length);
  });

  test('tries three sizes whatever the time, and says that larger ones are missing', () => {
    const { row, now } = rig(10);
    const found = measureRow(row, 30, now);
    expect(found.sizes).toHaveLength(3);
    expect(found).toMatchObject({ metal_from: 0, note: 'larger sizes did not fit in the time' });
  });

  test('begins no size that would take more than is left', () => {
    const { row, now, state } = rig(0, { slowMetal: 1 });
    const found = measureRow(row, 1000, now);
    // Both take a microsecond an element, so that the next size costs four times as much as all before.
    expect(found.note).toBe('larger sizes did not fit in the time');
    expect(state.ms).toBeLessThan(1000);
    expect(found.sizes.length).toBeGreaterThan(5);
  });

  test('leaves a size at once that alone takes more than the time', () => {
    const { row, now } = rig(10_000);
    expect(measureRow(row, 100, now).sizes).toHaveLength(1);
  });

  test('takes no time of the CPU for one of the device', () => {
    const { row, now, state } = rig(5, { leavesAt: 64 });
    const found = measureRow(row, 60_000, now);
    expect(found.sizes.map(({ elements }) => elements)).toEqual([1, 4, 16]);
    expect(found.note).toBe('the device left 64 elements to the CPU');
    expect(state.released).toBeGreaterThan(found.sizes.length);
  });

  test('passes over sizes that need too much memory', () => {
    const { row, now } = rig(1e9, { tooBig: 100 });
    expect(measureRow(row, 1e15, now).sizes.map(({ elements }) => elements)).toEqual([1, 4, 16, 64]);
  });

  test('runs both in turns, the first of them not counted', () => {
    const { row, now, state } = rig(1e6, { tooBig: 1 });
    measureRow(row, 1e9, now);
    expect(state.runs.slice(0, 6)).toEqual(['cpu', 'metal', 'cpu', 'metal', 'metal', 'cpu']);
  });
});
