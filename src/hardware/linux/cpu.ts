// Processors of a Linux machine: name, cores by cluster, caches, NUMA nodes, vector instructions.
import { isTold, orNull, type Told, told, untold } from '../facts.ts';
import type { Cache, Cluster, CpuFacts } from '../schema.ts';
import { parseIdList, parseSize, type SystemFiles } from './files.ts';

const CPUS = '/sys/devices/system/cpu';

/**
 * Cores whose capacity is this much less than the largest are of another kind: less is the spread of one kind of core, by
 * its quality or its turbo ([measured on Intel, AMD and ARM](https://github.com/sched-ext/scx/pull/2137)).
 */
const CAPACITY_GAP = 1.3;

/** Vector instructions that matter to numerical kernels, as /proc/cpuinfo calls them. */
const SIMD = new Set(
  (
    'sse2 ssse3 sse4_1 sse4_2 avx avx2 fma f16c avx_vnni avx512f avx512dq avx512bw avx512vl avx512_bf16 avx512_fp16 avx512_vnni ' +
    'amx_tile amx_int8 amx_bf16 asimd asimdhp asimddp asimdfhm sve sve2 bf16 i8mm svebf16 svei8mm sme sme2'
  ).split(' '),
);

/** What /proc/cpuinfo tells of the first processor. */
export interface CpuInfo {
  readonly name: Told<string>;
  readonly simd: Told<string[]>;
  /** Whether the processor says that a hypervisor is below it; only x86 has a word for that. */
  readonly hypervisor: Told<boolean>;
  readonly processors: number;
}

/** Reads the text of /proc/cpuinfo. */
export function parseCpuInfo(text: string): CpuInfo {
  const fields = new Map<string, string>();
  let processors = 0;
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const name = line.slice(0, colon).trim();
    if (name === 'processor') processors++;
    if (!fields.has(name)) fields.set(name, line.slice(colon + 1).trim());
  }
  const flags = fields.get('flags');
  const features = flags ?? fields.get('Features');
  return {
    name: fields.get('model name') ?? armName(fields),
    simd: features
      ? features.split(' ').filter((f) => SIMD.has(f))
      : untold('/proc/cpuinfo lists no features'),
    hypervisor:
      flags === undefined
        ? untold('this kind of processor does not say whether a hypervisor is below it')
        : flags.split(' ').includes('hypervisor'),
    processors,
  };
}

// ARM processors have numbers only; a list of names would be out of date with the next one.
function armName(fields: ReadonlyMap<string, string>): Told<string> {
  const [implementer, part] = [fields.get('CPU implementer'), fields.get('CPU part')];
  return implementer && part
    ? `ARM implementer ${implementer}, part ${part}`
    : untold('/proc/cpuinfo has no model name');
}

/** Returns the logical cores that are online. */
export function onlineCores(files: SystemFiles, info: CpuInfo): number[] {
  const online = files.read(`${CPUS}/online`);
  const ids = isTold(online) ? parseIdList(online) : undefined;
  return ids?.length ? ids : Array.from({ length: Math.max(1, info.processors) }, (_, id) => id);
}

interface Topology {
  /** Logical core to what stands for its physical one; empty where the kernel does not tell. */
  readonly physical: ReadonlyMap<number, string>;
  readonly sockets: Told<number>;
}

function readTopology(files: SystemFiles, online: readonly number[]): Topology {
  const physical = new Map<number, string>();
  const packages = new Set<string>();
  for (const id of online) {
    const socket = files.read(`${CPUS}/cpu${id}/topology/physical_package_id`);
    // A virtual machine on ARM may have packages numbered -1: not known.
    if (isTold(socket) && socket !== '-1') packages.add(socket);
    const siblings = files.read(`${CPUS}/cpu${id}/topology/thread_siblings_list`);
    if (isTold(siblings)) physical.set(id, siblings);
  }
  const whole = physical.size === online.length;
  const sockets = packages.size > 0 ? packages.size : untold(`${CPUS}/cpu0/topology names no packages`);
  return { physical: whole ? physical : new Map(), sockets };
}

const physicalCores = (ids: readonly number[], { physical }: Topology): number | null =>
  physical.size === 0 ? null : new Set(ids.map((id) => physical.get(id))).size;

interface Kind extends Pick<Cluster, 'kind' | 'name'> {
  readonly ids: number[];
}

// Hybrid x86 has a device for each kind of core; ARM has capacities. Elsewhere all cores are of one kind.
function kindsOf(files: SystemFiles, online: readonly number[]): Kind[] {
  const hybrid = (['cpu_core', 'cpu_atom', 'cpu_lowpower'] as const).flatMap((name): Kind[] => {
    const list = files.read(`/sys/devices/${name}/cpus`);
    const ids = isTold(list) ? parseIdList(list)?.filter((id) => online.includes(id)) : undefined;
    return ids?.length ? [{ kind: name === 'cpu_core' ? 'performance' : 'efficiency', name, ids }] : [];
  });
  if (hybrid.length > 1) return hybrid;
  const capacities = online.map((id) => orNull(files.number(`${CPUS}/cpu${id}/cpu_capacity`)));
  const largest = Math.max(...capacities.map((c) => c ?? 0));
  if (capacities.every((c): c is number => c !== null && c > 0)) {
    const small = (capacity: number) => capacity * CAPACITY_GAP <= largest;
    const efficient = online.filter((_, i) => small(capacities[i]!));
    if (efficient.length > 0) {
      const strong = online.filter((_, i) => !small(capacities[i]!));
      return [
        { kind: 'performance', name: 'cpu_capacity high', ids: strong },
        { kind: 'efficiency', name: 'cpu_capacity low', ids: efficient },
      ];
    }
  }
  return [{ kind: 'uniform', name: 'cpu', ids: [...online] }];
}

function readCaches(files: SystemFiles, online: readonly number[]): Cache[] {
  const kinds = new Map<string, Omit<Cache, 'instances'> & { seen: Set<string> }>();
  for (const id of online) {
    const folder = `${CPUS}/cpu${id}/cache`;
    for (const index of files.list(folder).filter((name) => name.startsWith('index'))) {
      const text = (name: string) => orNull(files.read(`${folder}/${index}/${name}`));
      const [level, type, size, shared] = [
        text('level'),
        text('type'),
        text('size'),
        text('shared_cpu_list'),
      ];
      const bytes = size === null ? undefined : parseSize(size);
      const cores = shared === null ? undefined : parseIdList(shared)?.length;
      const kind = type?.toLowerCase();
      if (!bytes || (kind !== 'data' && kind !== 'instruction' && kind !== 'unified')) continue;
      const key = `${level} ${kind} ${bytes} ${cores}`;
      const cache = kinds.get(key) ?? {
        level: Number(level),
        type: kind,
        bytes,
        shared_by: cores ?? null,
        cluster: null,
        seen: new Set<string>(),
      };
      cache.seen.add(shared ?? `${id}`);
      kinds.set(key, cache);
    }
  }
  return [...kinds.values()].map(({ seen, ...cache }) => ({ ...cache, instances: seen.size }));
}

function readNodes(files: SystemFiles): Told<NonNullable<CpuFacts['numa_nodes']>> {
  const folder = '/sys/devices/system/node';
  const names = files.list(folder).filter((name) => /^node\d+$/.test(name));
  if (names.length === 0) return untold(`${folder} is absent`);
  return names.map((name) => {
    const list = files.read(`${folder}/${name}/cpulist`);
    const total = told(files.read(`${folder}/${name}/meminfo`), (text) => {
      const kib = /MemTotal:\s+(\d+) kB/.exec(text)?.[1];
      return kib ? Number(kib) * 1024 : untold('no MemTotal');
    });
    return {
      node: Number(name.slice('node'.length)),
      core_ids: (isTold(list) ? parseIdList(list) : undefined) ?? [],
      memory_bytes: orNull(total),
    };
  });
}

/** What {@link readCpu} tells: everything but the limits of this process. */
export interface LinuxCpu {
  readonly info: CpuInfo;
  readonly online: readonly number[];
  readonly physicalCores: Told<number>;
  readonly sockets: Told<number>;
  readonly clusters: Cluster[];
  readonly caches: Cache[];
  readonly numaNodes: Told<NonNullable<CpuFacts['numa_nodes']>>;
}

/** Reads the processors of the machine. */
export function readCpu(files: SystemFiles): LinuxCpu {
  const text = files.read('/proc/cpuinfo');
  const info = parseCpuInfo(orNull(text) ?? '');
  const online = onlineCores(files, info);
  const topology = readTopology(files, online);
  return {
    info,
    online,
    physicalCores: physicalCores(online, topology) ?? untold(`${CPUS}/cpu0/topology does not tell siblings`),
    sockets: topology.sockets,
    clusters: kindsOf(files, online).map(({ kind, name, ids }) => ({
      kind,
      name,
      logical_cores: ids.length,
      physical_cores: physicalCores(ids, topology),
      core_ids: ids,
    })),
    caches: readCaches(files, online),
    numaNodes: readNodes(files),
  };
}
