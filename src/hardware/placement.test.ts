import { describe, expect, test } from 'bun:test';
import { type Placer, placeProcess } from './placement.ts';

/** A machine whose process may run on `allowed`; remembers what it was asked to do. */
function machine(allowed: readonly number[], error = ''): Placer & { readonly asked: unknown[] } {
  const asked: unknown[] = [];
  return {
    asked,
    setUrgency: (urgency) => void asked.push(urgency),
    bindThreads: (cpus) => {
      asked.push([...cpus]);
      return { threads: error ? 0 : 9, error };
    },
    allowedCpus: () => allowed,
  };
}

describe('where a process runs', () => {
  test('urgent work is bound to the fast cores among those it may use', () => {
    const placer = machine([2, 3, 4, 5]);
    const { cpus, qos } = placeProcess('latency', [0, 1, 2, 3], placer, 'linux');
    expect([cpus, qos]).toEqual([[2, 3], null]);
    expect(placer.asked).toEqual(['latency', [2, 3]]);
  });

  test('work for throughput takes any core', () => {
    const placer = machine([0, 1, 2, 3]);
    expect(placeProcess('throughput', [0, 1], placer, 'linux').cpus).toBeNull();
    expect(placer.asked).toEqual(['throughput']);
  });

  test.each([
    ['one kind of core', [0, 1], null, 'one kind'],
    ['only fast cores allowed', [0, 1], [0, 1, 2, 3], 'performance cores only'],
    ['no fast core allowed', [4, 5], [0, 1], 'none of the performance cores'],
  ])('nothing is bound with %s', (_, allowed, fast, reason) => {
    const placer = machine(allowed);
    const placed = placeProcess('latency', fast, placer, 'linux');
    expect(placed.cpus).toBeNull();
    expect(placed.reason).toContain(reason);
    expect(placer.asked).toEqual(['latency']);
  });

  test('a refusal of the system is said and changes nothing', () => {
    const placed = placeProcess('latency', [0], machine([0, 1], 'Operation not permitted'), 'linux');
    expect(placed.cpus).toBeNull();
    expect(placed.reason).toContain('Operation not permitted');
  });

  test('macOS has classes instead of sets of cores', () => {
    const placer = machine([]);
    expect(placeProcess('latency', [0, 1], placer, 'darwin').qos).toBe('user-interactive');
    expect(placeProcess('throughput', null, placer, 'darwin').qos).toBe('user-initiated');
    expect(placer.asked).toEqual(['latency', 'throughput']);
  });
});
