// What the machine is, as `GET /hardware` reports it; utilization.ts has what it is doing.
import { z } from 'zod';

/** A value that the system may not tell. */
export const optional = <T extends z.ZodType>(schema: T, what: string) => schema.nullable().describe(what);

export const reasons = z
  .record(z.string(), z.string())
  .describe('why a value beside it is null, by its name');

const count = z.int().nonnegative();
const coreIds = z.array(count);

const systemFacts = z.object({
  os: z.string().describe('linux, macos, or what Bun calls it'),
  version: optional(z.string(), 'release of the kernel on Linux, of macOS there'),
  arch: z.string().describe('x64 or arm64'),
  model: optional(z.string(), 'name that the maker gave the machine'),
  virtual_machine: optional(z.boolean(), 'whether a hypervisor is below'),
  hypervisor: optional(z.string(), 'what it calls itself'),
  container: optional(z.string(), 'docker, podman, kubernetes, lxc; `none` where nothing points to one'),
  reasons,
});

/** Cores of one kind. */
const cluster = z.object({
  kind: z
    .enum(['performance', 'efficiency', 'uniform'])
    .describe('`uniform` where all cores are alike, as far as the system tells'),
  name: z.string().describe('what the system calls it'),
  logical_cores: count,
  physical_cores: optional(count, 'cores, where `logical_cores` counts hardware threads'),
  core_ids: optional(coreIds, 'numbers of its logical cores, as the operating system counts them'),
});

const cache = z.object({
  level: z.int().min(1),
  type: z.enum(['data', 'instruction', 'unified']),
  bytes: count.describe('of one instance'),
  instances: count,
  shared_by: optional(count, 'logical cores that share one instance'),
  cluster: optional(z.string(), 'the cluster it belongs to, where the system says so'),
});

const cpuFacts = z.object({
  name: optional(z.string(), 'brand of the processor'),
  logical_cores: count.describe('hardware threads of the machine that are online'),
  physical_cores: optional(count, 'cores'),
  sockets: optional(count, 'processor packages'),
  clusters: z.array(cluster),
  allowed_core_ids: optional(coreIds, 'logical cores that this process may run on'),
  quota_cores: optional(z.number().positive(), 'processor time that its control groups grant, in cores'),
  usable_cores: z.number().positive().describe('the least of all of these: what this process can really use'),
  caches: z.array(cache),
  numa_nodes: optional(
    z.array(z.object({ node: count, core_ids: coreIds, memory_bytes: count.nullable() })),
    'memory and the cores near it',
  ),
  simd: optional(z.array(z.string()), 'vector instructions that kernels of this kind of processor can use'),
  reasons,
});

const memoryFacts = z.object({
  total_bytes: optional(count, 'memory of the machine'),
  limit_bytes: optional(count, 'what its control groups grant this process'),
  reasons,
});

const gpuFacts = z.object({
  name: optional(z.string(), 'name, or the ids of vendor and device'),
  driver: optional(z.string(), 'kernel driver'),
  cores: optional(count, 'GPU cores, as Apple counts them'),
  reasons,
});

/** What the machine is. */
export const hardwareSchema = z.object({
  system: systemFacts,
  cpu: cpuFacts,
  memory: memoryFacts,
  gpus: z.array(gpuFacts),
  metal: z.object({
    available: z.boolean().describe('whether kernels can run on the GPU'),
    reason: z.string().nullable().describe('why not'),
  }),
  neural_engine: z.object({
    present: optional(z.boolean(), 'whether the machine has one that this process could use'),
    cores: optional(count, 'its cores'),
    reasons,
  }),
});

export type Hardware = z.infer<typeof hardwareSchema>;
export type CpuFacts = Hardware['cpu'];
export type Cluster = CpuFacts['clusters'][number];
export type Cache = CpuFacts['caches'][number];
export type GpuFacts = Hardware['gpus'][number];
/** The addon's word on Metal, which detection itself can't have. */
export type MetalFacts = Hardware['metal'];
