// What a Mac is: the texts of sysctl and ioreg as facts. Nothing here runs a command, so that recorded texts can be read anywhere.
import { group, isTold, orNull, type Told, told, untold } from '../facts.ts';
import type { Cache, Cluster, GpuFacts, Hardware, MetalFacts } from '../schema.ts';
import type { RunCommand } from './command.ts';
import { integerOf, numbersOf, parseRegistry, type RegistryEntry, textOf } from './ioreg.ts';
import { Sysctl } from './sysctl.ts';

/** The commands that tell what a Mac is. Some names are asked for by themselves, since a whole branch leaves them out. */
export const DETECT = {
  sysctl: [
    '/usr/sbin/sysctl',
    ...[
      'hw',
      'machdep.cpu',
      'hw.model',
      'hw.memsize',
      'hw.packages',
      'kern.osproductversion',
      'kern.hv_vmm_present',
    ],
  ],
  gpu: ['/usr/sbin/ioreg', '-r', '-d', '1', '-w', '0', '-c', 'IOAccelerator'],
  cores: ['/usr/sbin/ioreg', '-r', '-d', '1', '-w', '0', '-k', 'cluster-type'],
  neuralEngine: ['/usr/sbin/ioreg', '-r', '-d', '1', '-w', '0', '-c', 'H11ANEIn'],
} as const;

/** What those commands printed. */
export type DetectTexts = { readonly [K in keyof typeof DETECT]: Told<string> };

/** Reads the machine by the tools of macOS. */
export async function detectMac(metal: MetalFacts, run: RunCommand): Promise<Hardware> {
  const [sysctl, gpu, cores, neuralEngine] = await Promise.all([
    run(DETECT.sysctl),
    run(DETECT.gpu),
    run(DETECT.cores),
    run(DETECT.neuralEngine),
  ]);
  return describeMac(metal, { sysctl, gpu, cores, neuralEngine });
}

/** Returns what the texts say. */
export function describeMac(metal: MetalFacts, texts: DetectTexts): Hardware {
  const sysctl = new Sysctl(orNull(texts.sysctl) ?? '');
  const virtual = told(sysctl.number('kern.hv_vmm_present'), (value) => value !== 0);
  const clusters = readClusters(sysctl, coresByLetter(texts.cores));
  const logical =
    orNull(sysctl.number('hw.logicalcpu')) ??
    orNull(sysctl.number('hw.ncpu')) ??
    navigator.hardwareConcurrency;
  return {
    system: group({
      os: 'macos',
      version: sysctl.text('kern.osproductversion'),
      arch: process.arch,
      model: sysctl.text('hw.model'),
      virtual_machine: virtual,
      hypervisor: untold(
        virtual === false ? 'this is no virtual machine' : 'macOS does not name its hypervisor',
      ),
      container: untold('macOS has no containers; those of Linux run in a virtual machine'),
    }),
    cpu: group({
      name: sysctl.text('machdep.cpu.brand_string'),
      logical_cores: logical,
      physical_cores: sysctl.number('hw.physicalcpu'),
      sockets: sysctl.number('hw.packages'),
      clusters: clusters.length > 0 ? clusters : [uniform(logical, sysctl)],
      allowed_core_ids: untold('macOS does not bind processes to cores'),
      quota_cores: untold('macOS has no control groups'),
      usable_cores: logical,
      caches: readCaches(sysctl),
      numa_nodes: untold('macOS does not tell; Apple silicon has one memory'),
      simd: simd(sysctl),
    }),
    memory: group({
      total_bytes: sysctl.number('hw.memsize'),
      limit_bytes: untold('macOS has no control groups'),
    }),
    gpus: readGpus(texts.gpu),
    metal,
    neural_engine: neuralEngine(sysctl, virtual, texts.neuralEngine),
  };
}

/** The letters of `cluster-type` with the logical cores that have them, as the operating system numbers them. */
function coresByLetter(text: Told<string>): ReadonlyMap<string, number[]> {
  const letters = new Map<string, number[]>();
  if (!isTold(text)) return letters;
  for (const { properties } of parseRegistry(text)) {
    if (textOf(properties.get('device_type')) !== 'cpu') continue;
    const letter = textOf(properties.get('cluster-type'));
    // With several dies `cpu-id` starts again on each.
    const id = integerOf(properties.get('logical-cpu-id')) ?? integerOf(properties.get('cpu-id'));
    if (letter === undefined || id === undefined) return new Map();
    const cores = letters.get(letter) ?? [];
    if (![...letters.values()].some((ids) => ids.includes(id))) cores.push(id);
    letters.set(letter, cores);
  }
  for (const ids of letters.values()) ids.sort((a, b) => a - b);
  return letters;
}

// Level 0 is always that of the fastest cores (sysctl.h of macOS 12.1). Names came later than levels, and change with chips.
function readClusters(sysctl: Sysctl, letters: ReadonlyMap<string, number[]>): Cluster[] {
  const clusters: Cluster[] = [];
  // Virtual machines have one level, `Standard`: https://github.com/yorickdowne/get-macos-runner-hardware/pull/1
  if (!isTold(sysctl.number('hw.perflevel1.logicalcpu'))) return clusters;
  for (let level = 0; ; level++) {
    const logical = sysctl.number(`hw.perflevel${level}.logicalcpu`);
    if (!isTold(logical)) return clusters;
    const name = orNull(sysctl.text(`hw.perflevel${level}.name`));
    const kind = name === null ? (level === 0 ? 'performance' : 'efficiency') : kindOf(name);
    const ids = letters.get((name ?? kind)[0]!.toUpperCase());
    clusters.push({
      kind,
      name: name ?? `perflevel${level}`,
      logical_cores: logical,
      physical_cores: orNull(sysctl.number(`hw.perflevel${level}.physicalcpu`)),
      core_ids: ids?.length === logical ? ids : null,
    });
  }
}

const kindOf = (name: string): Cluster['kind'] => (/efficiency/i.test(name) ? 'efficiency' : 'performance');

const uniform = (logical: number, sysctl: Sysctl): Cluster => ({
  kind: 'uniform',
  name: 'cpu',
  logical_cores: logical,
  physical_cores: orNull(sysctl.number('hw.physicalcpu')),
  core_ids: Array.from({ length: logical }, (_, id) => id),
});

const CACHES = [
  ['l1icachesize', 1, 'instruction'],
  ['l1dcachesize', 1, 'data'],
  ['l2cachesize', 2, 'unified'],
  ['l3cachesize', 3, 'unified'],
] as const;

function readCaches(sysctl: Sysctl): Cache[] {
  const caches: Cache[] = [];
  for (let level = 0; ; level++) {
    const prefix = `hw.perflevel${level}.`;
    const cores = sysctl.number(`${prefix}physicalcpu`);
    if (!isTold(cores)) break;
    for (const [name, cacheLevel, type] of CACHES) {
      const bytes = orNull(sysctl.number(prefix + name));
      const shared = cacheLevel === 1 ? 1 : orNull(sysctl.number(`${prefix}cpusperl${cacheLevel}`));
      if (!bytes || !shared) continue;
      const cluster = orNull(sysctl.text(`${prefix}name`)) ?? `perflevel${level}`;
      const instances = Math.max(1, Math.round(cores / shared));
      caches.push({ level: cacheLevel, type, bytes, instances, shared_by: shared, cluster });
    }
  }
  return caches;
}

/** Switches of sysctl by the name that the same instructions have on Linux. */
const SIMD: readonly (readonly [name: string, linux: string])[] = [
  ['hw.optional.sse4_2', 'sse4_2'],
  ['hw.optional.avx1_0', 'avx'],
  ['hw.optional.avx2_0', 'avx2'],
  ['hw.optional.fma', 'fma'],
  ['hw.optional.f16c', 'f16c'],
  ['hw.optional.avx512f', 'avx512f'],
  ['hw.optional.avx512bw', 'avx512bw'],
  ['hw.optional.neon', 'asimd'],
  ['hw.optional.AdvSIMD', 'asimd'],
  ['hw.optional.arm.FEAT_FP16', 'asimdhp'],
  ['hw.optional.arm.FEAT_DotProd', 'asimddp'],
  ['hw.optional.arm.FEAT_FHM', 'asimdfhm'],
  ['hw.optional.arm.FEAT_BF16', 'bf16'],
  ['hw.optional.arm.FEAT_I8MM', 'i8mm'],
  ['hw.optional.arm.FEAT_SME', 'sme'],
  ['hw.optional.arm.FEAT_SME2', 'sme2'],
];

function simd(sysctl: Sysctl): Told<string[]> {
  const names = SIMD.filter(([name]) => sysctl.number(name) === 1).map(([, linux]) => linux);
  return names.length > 0
    ? [...new Set(names)]
    : untold('sysctl tells no vector instructions in hw.optional');
}

function readGpus(text: Told<string>): GpuFacts[] {
  if (!isTold(text)) return [group({ name: text, driver: text, cores: text })];
  return parseRegistry(text).map(({ className, properties }) =>
    group({
      name: textOf(properties.get('model')) ?? untold('the I/O registry has no model'),
      driver: className,
      cores: integerOf(properties.get('gpu-core-count')) ?? untold('the I/O registry has no gpu-core-count'),
    }),
  );
}

// Its driver is there on Apple silicon (seen from M1 to M4), and does not reach into virtual machines.
function neuralEngine(sysctl: Sysctl, virtual: Told<boolean>, text: Told<string>): Hardware['neural_engine'] {
  const none = (why: string) => group({ present: false, cores: untold(why) });
  if (orNull(sysctl.number('hw.optional.arm64')) !== 1) return none('only Apple silicon has a Neural Engine');
  if (virtual === true) return none('a virtual machine does not get the Neural Engine');
  if (!isTold(text)) return group({ present: text, cores: text });
  const entry: RegistryEntry | undefined = parseRegistry(text).find((e) => e.className === 'H11ANEIn');
  if (!entry) {
    const why = untold('the I/O registry has no H11ANEIn, as the driver is called from M1 to M4');
    return group({ present: why, cores: why });
  }
  const cores = numbersOf(entry.properties.get('DeviceProperties')).get('ANEDevicePropertyNumANECores');
  return group({
    present: true,
    cores: cores ?? untold('the driver does not tell its cores'),
  });
}
