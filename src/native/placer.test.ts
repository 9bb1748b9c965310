import { describe, expect, test } from 'bun:test';
import { placer } from './index.ts';

// In a process of its own: threads that were bound would stay so for the tests that follow.
function inChild(script: string): string {
  const code = `import { placer } from ${JSON.stringify(`${import.meta.dir}/index.ts`)};
    import { readdirSync, readFileSync } from 'node:fs';
    const lists = () => [...new Set(readdirSync('/proc/self/task').map((id) =>
      /Cpus_allowed_list:\\t(.*)/.exec(readFileSync('/proc/self/task/' + id + '/status', 'utf8'))[1]))];
    ${script}`;
  const { stdout, stderr } = Bun.spawnSync([process.execPath, '-e', code]);
  return stdout.toString() || stderr.toString();
}

describe.if(process.platform === 'linux')('the threads of a process', () => {
  const last = placer.allowedCpus().at(-1)!;

  test('are all bound, and Workers that start later too', () => {
    const script = `
      const { threads, error } = placer.bindThreads(Int32Array.of(${last}));
      const url = URL.createObjectURL(new Blob(['postMessage(1)']));
      const worker = new Worker(url);
      worker.onmessage = () => { console.log(threads > 1, error === '', lists().join(';')); process.exit(0); };`;
    expect(inChild(script)).toBe(`true true ${last}\n`);
  });

  test('stay where they were when a CPU is none of this machine', () => {
    const script = `
      const before = lists().join(';');
      const { error } = placer.bindThreads(Int32Array.of(8191));
      console.log(error !== '', lists().join(';') === before);`;
    expect(inChild(script)).toBe('true true\n');
  });
});

describe('the border', () => {
  test.each([[new Int32Array(0)], [[0]], [undefined]])('refuses %p as a list of CPUs', (cpus) => {
    expect(() => placer.bindThreads(cpus as Int32Array)).toThrow('for cpus');
  });

  test('refuses an urgency that there is not, and takes the two that there are', () => {
    expect(() => placer.setUrgency('background' as 'latency')).toThrow('latency or throughput');
    placer.setUrgency('latency');
    placer.setUrgency('throughput');
  });
});
