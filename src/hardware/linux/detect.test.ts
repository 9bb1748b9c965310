// Linux machines as their files describe them: recorded ones, and the one that runs the test.
import { afterEach, describe, expect, test } from 'bun:test';
import { cpus, totalmem } from 'node:os';
import { hardwareSchema, type MetalFacts } from '../schema.ts';
import { parseCpuInfo } from './cpu.ts';
import { detectLinux } from './detect.ts';
import { parseIdList, parseSize } from './files.ts';
import { coreFiles, RecordedMachine } from './recorded.ts';

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
const detect = (files: Record<string, string>, env = {}) => detectLinux(METAL, recorded(files).files, env);
const capacities = (...values: number[]) =>
  Object.fromEntries(
    values.map((value, id) => [`/sys/devices/system/cpu/cpu${id}/cpu_capacity`, `${value}`]),
  );

// AMD EPYC in a Firecracker virtual machine, kernel 6.18, 2026-11-22; fields that nothing reads are left out.
const EPYC = {
  '/proc/cpuinfo': `processor\t: 0
vendor_id\t: AuthenticAMD
model name\t: AMD EPYC
physical id\t: 0
core id\t\t: 0
flags\t\t: fpu sse sse2 ht pni ssse3 fma sse4_1 sse4_2 avx f16c hypervisor avx2 avx512f avx512_bf16 avx512_vnni

processor\t: 1
vendor_id\t: AuthenticAMD
model name\t: AMD EPYC`,
  '/proc/sys/kernel/osrelease': '6.18.44-fc-v669',
  '/proc/self/status': 'Name:\tbun\nCpus_allowed:\t3\nCpus_allowed_list:\t0-1\nMems_allowed_list:\t0',
  '/proc/meminfo': 'MemTotal:       24684084 kB\nMemFree:        20645748 kB\nMemAvailable:   21820540 kB',
  '/proc/self/cgroup': '4:memory:/process_api/9b27\n3:cpuset:/\n2:cpuacct:/\n1:cpu:/\n0::/',
  '/proc/self/mountinfo': `32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw`,
  '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1',
  '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
  '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712',
  '/sys/fs/cgroup/memory/process_api/9b27/memory.limit_in_bytes': '9223372036854771712',
  '/sys/devices/system/node/node0/cpulist': '0-1',
  '/sys/devices/system/node/node0/meminfo':
    'Node 0 MemTotal:       15821004 kB\nNode 0 MemFree:  11000000 kB',
  ...coreFiles(2),
  ...Object.fromEntries(
    [0, 1].flatMap((id) =>
      [
        ['1', 'Data', '32K', `${id}`],
        ['1', 'Instruction', '32K', `${id}`],
        ['2', 'Unified', '1024K', `${id}`],
        ['3', 'Unified', '32768K', '0-1'],
      ].flatMap(([level, type, size, shared], index) => {
        const folder = `/sys/devices/system/cpu/cpu${id}/cache/index${index}`;
        return Object.entries({ level, type, size, shared_cpu_list: shared }).map(([name, text]) => [
          `${folder}/${name}`,
          text!,
        ]);
      }),
    ),
  ),
};

test('describes a virtual machine without limits, with a reason for each fact that it does not tell', () => {
  const found = detect(EPYC);
  expect(found).toEqual(hardwareSchema.parse(found));
  expect(found.system).toMatchObject({
    os: 'linux',
    version: '6.18.44-fc-v669',
    virtual_machine: true,
    model: null,
  });
  expect(found.cpu).toMatchObject({
    name: 'AMD EPYC',
    logical_cores: 2,
    physical_cores: 2,
    sockets: 1,
    clusters: [{ kind: 'uniform', logical_cores: 2, core_ids: [0, 1] }],
    allowed_core_ids: [0, 1],
    quota_cores: null,
    usable_cores: 2,
    numa_nodes: [{ node: 0, core_ids: [0, 1], memory_bytes: 15821004 * 1024 }],
    simd: [
      'sse2',
      'ssse3',
      'fma',
      'sse4_1',
      'sse4_2',
      'avx',
      'f16c',
      'avx2',
      'avx512f',
      'avx512_bf16',
      'avx512_vnni',
    ],
  });
  expect(found.cpu.caches.map((c) => [c.level, c.type, c.bytes, c.instances, c.shared_by])).toEqual([
    [1, 'data', 32_768, 2, 1],
    [1, 'instruction', 32_768, 2, 1],
    [2, 'unified', 1_048_576, 2, 1],
    [3, 'unified', 33_554_432, 1, 2],
  ]);
  expect(found.memory).toMatchObject({ total_bytes: 24_684_084 * 1024, limit_bytes: null });
  for (const part of [found.system, found.cpu, found.memory, found.neural_engine]) {
    const untold = Object.entries(part).flatMap(([name, value]) => (value === null ? [name] : []));
    expect(Object.keys(part.reasons)).toEqual(untold);
  }
});

describe('cores of two kinds', () => {
  // Lists and their meaning: tools/perf/Documentation/intel-hybrid.txt of Linux.
  test('are the devices that x86 has for each', () => {
    const files = { '/sys/devices/cpu_core/cpus': '0-15', '/sys/devices/cpu_atom/cpus': '16-23' };
    const { clusters } = detect({ ...coreFiles(24, 2), ...files }).cpu;
    expect(clusters.map((c) => [c.kind, c.name, c.logical_cores, c.physical_cores])).toEqual([
      ['performance', 'cpu_core', 16, 8],
      ['efficiency', 'cpu_atom', 8, 4],
    ]);
    expect(clusters[1]!.core_ids).toEqual([16, 17, 18, 19, 20, 21, 22, 23]);
  });

  // Capacities of a Juno board, `cat cpu*/cpu_capacity` on the Linux kernel mailing list.
  test('have capacities on ARM, in any order', () => {
    const { clusters } = detect({ ...coreFiles(6), ...capacities(446, 1024, 1024, 446, 446, 446) }).cpu;
    expect(clusters.map((c) => [c.kind, c.core_ids])).toEqual([
      ['performance', [1, 2]],
      ['efficiency', [0, 3, 4, 5]],
    ]);
  });

  // A Pixel 4 (Snapdragon 855), from the same list: cores of 871 and 1024 are one design at two clocks.
  test('are told apart by a large difference of capacity only', () => {
    const { clusters } = detect({
      ...coreFiles(8),
      ...capacities(261, 261, 261, 261, 871, 871, 871, 1024),
    }).cpu;
    expect(clusters.map((c) => [c.kind, c.core_ids])).toEqual([
      ['performance', [4, 5, 6, 7]],
      ['efficiency', [0, 1, 2, 3]],
    ]);
    const even = detect({ ...coreFiles(2), ...capacities(1024, 900) }).cpu.clusters;
    expect(even.map((c) => c.kind)).toEqual(['uniform']);
  });
});

test('a core that the scheduler does not allow is not usable', () => {
  const status = { '/proc/self/status': 'Cpus_allowed_list:\t1' };
  expect(detect({ ...EPYC, ...status }).cpu).toMatchObject({
    allowed_core_ids: [1],
    usable_cores: 1,
    logical_cores: 2,
  });
});

test('graphics cards have the name of their driver, or their ids', () => {
  const { gpus } = detect({
    '/sys/class/drm/card0-HDMI-A-1/status': 'connected',
    '/sys/class/drm/card0/device': '->../../../devices/pci0000:00/0000:03:00.0',
    '/sys/devices/pci0000:00/0000:03:00.0/vendor': '0x1002',
    '/sys/devices/pci0000:00/0000:03:00.0/device': '0x744c',
    '/sys/devices/pci0000:00/0000:03:00.0/driver': '->../../../bus/pci/drivers/amdgpu',
    '/proc/driver/nvidia/gpus/0000:41:00.0/information': 'Model: \t\t NVIDIA A100-SXM4-80GB\nIRQ:   \t\t 231',
  });
  expect(gpus.map((g) => [g.name, g.driver, g.cores])).toEqual([
    ['vendor 0x1002, device 0x744c', 'amdgpu', null],
    ['NVIDIA A100-SXM4-80GB', 'nvidia', null],
  ]);
});

test('virtual machines and containers are told by flags, DMI, the device tree and control groups', () => {
  // Product of Apple's framework: https://github.com/systemd/systemd/pull/24419
  const apple = {
    '/sys/class/dmi/id/sys_vendor': 'Apple Inc.',
    '/sys/class/dmi/id/product_name': 'Apple Virtualization Generic Platform',
  };
  const arm = {
    '/proc/cpuinfo':
      'processor\t: 0\nFeatures\t: fp asimd asimddp bf16\nCPU implementer\t: 0x61\nCPU part\t: 0x000',
  };
  expect(detect({ ...apple, ...arm })).toMatchObject({
    system: { virtual_machine: true, hypervisor: 'Apple Inc. Apple Virtualization Generic Platform' },
    cpu: { name: 'ARM implementer 0x61, part 0x000', simd: ['asimd', 'asimddp', 'bf16'] },
  });
  expect(detect(arm).system).toMatchObject({ virtual_machine: null, hypervisor: null, container: null });
  const metal = {
    '/proc/cpuinfo': 'processor\t: 0\nmodel name\t: x\nflags\t\t: avx',
    '/sys/class/dmi/id/product_name': 'X12',
  };
  expect(detect(metal).system).toMatchObject({ virtual_machine: false, hypervisor: null, model: 'X12' });
  expect(detect({}, { KUBERNETES_SERVICE_HOST: '10.0.0.1' }).system.container).toBe('kubernetes');
  expect(detect({ '/run/.containerenv': '' }).system.container).toBe('podman');
});

test('broken and absent files give reasons, never numbers', () => {
  const found = detect({
    '/proc/meminfo': 'MemTotal: many',
    '/proc/cpuinfo': '',
    '/sys/devices/system/cpu/online': 'x',
  });
  expect(found).toEqual(hardwareSchema.parse(found));
  expect(found.cpu).toMatchObject({ name: null, logical_cores: 1, physical_cores: null, usable_cores: 1 });
  expect(found.memory.reasons.total_bytes).toBe('/proc/meminfo has no MemTotal');
  expect(found.cpu.reasons.numa_nodes).toContain('absent');
});

test('lists and sizes of the kernel', () => {
  expect(parseIdList('0-2,8')).toEqual([0, 1, 2, 8]);
  expect(parseIdList('')).toEqual([]);
  for (const bad of ['x', '3-1', '0-99999999', '-1']) expect(parseIdList(bad)).toBeUndefined();
  expect(['32K', '36M', '512', '1G'].map(parseSize)).toEqual([32_768, 37_748_736, 512, 1_073_741_824]);
  expect(parseSize('big')).toBeUndefined();
});

test.if(process.platform === 'linux')('finds on this machine what the runtime sees too', () => {
  const found = detectLinux(METAL);
  expect(found).toEqual(hardwareSchema.parse(found));
  expect(found.cpu.logical_cores).toBe(cpus().length);
  expect(found.memory.total_bytes).toBe(totalmem());
  expect(found.cpu.usable_cores).toBeWithin(0.01, found.cpu.logical_cores + 0.01);
  expect(parseCpuInfo('').processors).toBe(0);
});
