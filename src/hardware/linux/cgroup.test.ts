// Limits of control groups, by files recorded in containers.
import { afterEach, describe, expect, test } from 'bun:test';
import { orNull } from '../facts.ts';
import type { MetalFacts } from '../schema.ts';
import { controlGroups, cpuQuota, memoryLimit, memoryUsage } from './cgroup.ts';
import { detectLinux } from './detect.ts';
import { RecordedMachine } from './recorded.ts';

const METAL: MetalFacts = { available: false, reason: 'not a Mac' };

const machines: RecordedMachine[] = [];
afterEach(() => {
  for (const machine of machines.splice(0)) machine.remove();
});
const recorded = (files: Record<string, string>) => {
  const machine = new RecordedMachine(files);
  machines.push(machine);
  return machine;
};

describe('limits of control groups', () => {
  const limits = (files: Record<string, string>) => {
    const { files: root } = recorded(files);
    const groups = controlGroups(root);
    return {
      quota: orNull(cpuQuota(root, groups.cpu)),
      memory: orNull(memoryLimit(root, groups.memory)),
    };
  };
  // The line of the mount is Docker's on a Mac: https://github.com/elastic/apm-agent-java/pull/2352
  const unified = {
    '/proc/self/cgroup': '0::/',
    '/proc/self/mountinfo':
      '486 477 0:30 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw',
  };

  test('of version 2 are in cpu.max and memory.max', () => {
    const files = { '/sys/fs/cgroup/cpu.max': '150000 100000', '/sys/fs/cgroup/memory.max': '536870912' };
    expect(limits({ ...unified, ...files })).toEqual({
      quota: 1.5,
      memory: { bytes: 536_870_912, folder: '/sys/fs/cgroup' },
    });
    const none = { '/sys/fs/cgroup/cpu.max': 'max 100000', '/sys/fs/cgroup/memory.max': 'max' };
    expect(limits({ ...unified, ...none })).toEqual({ quota: null, memory: null });
  });

  // Group and limit of a container without a namespace of its own: https://github.com/google/nsjail/pull/219
  test('of the own group and of each above count, the least wins', () => {
    const path = '/docker/d71c9d0cd8161f7e1dd383f9358f4d6f2d6b874c7dedc7cad4630ccae3d9b07b';
    const files = {
      ...unified,
      '/proc/self/cgroup': `0::${path}`,
      [`/sys/fs/cgroup${path}/memory.max`]: '104857600',
      [`/sys/fs/cgroup${path}/cpu.max`]: '400000 100000',
      '/sys/fs/cgroup/docker/memory.max': '209715200',
      '/sys/fs/cgroup/docker/cpu.max': '200000 100000',
    };
    expect(limits(files)).toEqual({
      quota: 2,
      memory: { bytes: 104_857_600, folder: `/sys/fs/cgroup${path}` },
    });
    expect(detectLinux(METAL, recorded(files).files, {}).system.container).toBe('docker');
  });

  // Root of the mount equal to the path of the group: https://github.com/dotnet/coreclr/pull/13895
  test('of version 1 are found where the mount begins at the own group', () => {
    const scope =
      '/system.slice/docker-654dd7b6b8bbfe1739ae3309b471e95ccc82b3a3f56b7879f0a811d68b5c4e1d.scope';
    const mount = (name: string, root: string) =>
      `354 347 0:28 ${root} /sys/fs/cgroup/${name} ro,nosuid,nodev,noexec,relatime - cgroup cgroup rw,${name}`;
    const files = {
      '/proc/self/cgroup': `5:cpuacct,cpu:${scope}\n4:memory:${scope}`,
      '/proc/self/mountinfo': [mount('cpuacct,cpu', scope), mount('memory', scope)].join('\n'),
      '/sys/fs/cgroup/cpuacct,cpu/cpu.cfs_quota_us': '50000',
      '/sys/fs/cgroup/cpuacct,cpu/cpu.cfs_period_us': '100000',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '268435456',
    };
    expect(limits(files)).toEqual({
      quota: 0.5,
      memory: { bytes: 268_435_456, folder: '/sys/fs/cgroup/memory' },
    });
    const found = detectLinux(METAL, recorded(files).files, {});
    expect(found.cpu).toMatchObject({ quota_cores: 0.5, usable_cores: 0.5 });
    expect(found.memory.limit_bytes).toBe(268_435_456);
  });

  test('count memory without the file cache that can be dropped', () => {
    const stat = 'anon 70000\nfile 30000\ninactive_file 20000\nactive_file 10000';
    const { files } = recorded({ '/group/memory.current': '100000', '/group/memory.stat': stat });
    expect(memoryUsage(files, 2, '/group')).toBe(80_000);
    expect(orNull(memoryUsage(files, 1, '/group'))).toBeNull();
  });
});
