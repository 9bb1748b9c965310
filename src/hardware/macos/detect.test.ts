// Macs as recorded texts of sysctl and ioreg describe them.
import { expect, test } from 'bun:test';
import { isTold, untold } from '../facts.ts';
import { hardwareSchema, type MetalFacts } from '../schema.ts';
import { commandRunner } from './command.ts';
import { DETECT, type DetectTexts, describeMac, detectMac } from './detect.ts';
import { integerOf, numbersOf, parseRegistry, textOf } from './ioreg.ts';
import * as recorded from './recorded.ts';

const METAL: MetalFacts = { available: true, reason: null };
const NOTHING: DetectTexts = { sysctl: '', gpu: '', cores: '', neuralEngine: '' };
const describeTexts = (texts: Partial<DetectTexts>) => {
  const found = describeMac(METAL, { ...NOTHING, ...texts });
  expect(found).toEqual(hardwareSchema.parse(found));
  return found;
};

test('a Mac with named levels has clusters, caches and vector instructions', () => {
  const { cpu, memory } = describeTexts({ sysctl: recorded.SYSCTL_M4 });
  expect(cpu.clusters.map((c) => [c.kind, c.name, c.logical_cores, c.physical_cores, c.core_ids])).toEqual([
    ['performance', 'Performance', 8, 8, null],
    ['efficiency', 'Efficiency', 4, 4, null],
  ]);
  expect(cpu.caches.map((c) => [c.cluster, c.level, c.type, c.bytes, c.instances, c.shared_by])).toEqual([
    ['Performance', 1, 'instruction', 196_608, 8, 1],
    ['Performance', 1, 'data', 131_072, 8, 1],
    ['Performance', 2, 'unified', 16_777_216, 2, 4],
    ['Efficiency', 1, 'instruction', 131_072, 4, 1],
    ['Efficiency', 1, 'data', 65_536, 4, 1],
    ['Efficiency', 2, 'unified', 4_194_304, 1, 4],
  ]);
  expect(cpu).toMatchObject({
    logical_cores: 12,
    usable_cores: 12,
    simd: ['asimddp', 'asimdfhm'],
    name: null,
  });
  expect(cpu.reasons.name).toBe('sysctl does not tell machdep.cpu.brand_string');
  expect(memory.total_bytes).toBe(25_769_803_776);
});

test('cores get their numbers from the I/O registry, where the efficient ones come first', () => {
  const { cpu } = describeTexts({ sysctl: recorded.SYSCTL_M1_PRO, cores: recorded.IOREG_CORES_M1_PRO });
  expect(cpu.clusters.map((c) => [c.kind, c.name, c.core_ids])).toEqual([
    ['performance', 'perflevel0', [2, 3, 4, 5, 6, 7, 8, 9]],
    ['efficiency', 'perflevel1', [0, 1]],
  ]);
});

// Two dies, on which `cpu-id` starts again and efficient cores stand in two groups, as on an M3 Ultra (abbreviated to 8 cores).
test('cores of several dies are told by their logical numbers', () => {
  const core = (logical: number, letter: string) =>
    `+-o cpu${logical}@${logical}  <class IOPlatformDevice>\n    {\n      "logical-cpu-id" = ${logical}\n` +
    `      "cpu-id" = <0${logical % 4}000000>\n      "cluster-type" = <"${letter}">\n      "device_type" = <"cpu">\n    }\n`;
  const cores = Array.from('EEPPEEPP', (letter, id) => core(id, letter)).join('');
  const level = (n: number) => `hw.perflevel${n}.logicalcpu: 4\nhw.perflevel${n}.physicalcpu: 4\n`;
  const { clusters } = describeTexts({ sysctl: level(0) + level(1), cores }).cpu;
  expect(clusters.map((c) => c.core_ids)).toEqual([
    [2, 3, 6, 7],
    [0, 1, 4, 5],
  ]);
});

test('cores have no numbers where registry and levels disagree', () => {
  const [first] = recorded.IOREG_CORES_M1_PRO.split('+-o cpu1@');
  for (const cores of [
    first!,
    recorded.IOREG_CORES_M1_PRO.replace('"cpu-id" = <00000000>', ''),
    untold('no ioreg'),
  ]) {
    const { cpu } = describeTexts({ sysctl: recorded.SYSCTL_M1_PRO, cores });
    expect(cpu.clusters.map((c) => c.core_ids)).toEqual([null, null]);
  }
});

test('a virtual machine has cores of one kind and no Neural Engine', () => {
  const { system, cpu, neural_engine } = describeTexts({
    sysctl: recorded.SYSCTL_VIRTUAL,
    neuralEngine: recorded.IOREG_NEURAL_ENGINE,
  });
  expect(system).toMatchObject({ virtual_machine: true, model: 'VirtualMac2,1' });
  expect(cpu.name).toBe('Apple M1 (Virtual)');
  expect(cpu.clusters).toMatchObject([{ kind: 'uniform', logical_cores: 3, core_ids: [0, 1, 2] }]);
  expect(neural_engine).toMatchObject({ present: false, cores: null });
});

test('the GPU has name, driver and cores, or the reason why not', () => {
  expect(describeTexts({ gpu: recorded.IOREG_GPU_M4_MAX }).gpus).toEqual([
    { name: 'Apple M4 Max', driver: 'AGXAcceleratorG16X', cores: 40, reasons: {} },
  ]);
  expect(describeTexts({ gpu: recorded.IOREG_GPU_M1_PRO }).gpus).toMatchObject([
    { name: null, driver: 'AGXAcceleratorG13X', cores: null },
  ]);
  expect(describeTexts({ gpu: untold('ioreg did not answer') }).gpus).toMatchObject([
    { name: null, reasons: { cores: 'ioreg did not answer' } },
  ]);
  expect(describeTexts({}).gpus).toEqual([]);
});

test('the Neural Engine is there when its driver is, on Apple silicon only', () => {
  const silicon = `${recorded.SYSCTL_M4}hw.optional.arm64: 1\nkern.hv_vmm_present: 0\n`;
  const engine = (sysctl: string, neuralEngine: DetectTexts['neuralEngine']) =>
    describeTexts({ sysctl, neuralEngine }).neural_engine;
  expect(engine(silicon, recorded.IOREG_NEURAL_ENGINE)).toEqual({ present: true, cores: 16, reasons: {} });
  expect(engine(silicon, '')).toMatchObject({ present: null });
  expect(engine(silicon, untold('no ioreg')).reasons.present).toBe('no ioreg');
  expect(engine('hw.ncpu: 12\n', '')).toMatchObject({ present: false });
});

test('registry values: numbers, little-endian data, texts, and dictionaries by their exact names', () => {
  expect(['14', '<0e000000>', '<0a>', 'Yes', '<0102030405>'].map(integerOf)).toEqual([
    14,
    14,
    10,
    undefined,
    undefined,
  ]);
  expect(['"a b"', '<"E">', '<"apple,icestorm","ARM,v8">', '7'].map(textOf)).toEqual([
    'a b',
    'E',
    'apple,icestorm',
    undefined,
  ]);
  const [gpu] = parseRegistry(recorded.IOREG_GPU_M4_MAX);
  const numbers = numbersOf(gpu!.properties.get('PerformanceStatistics'));
  expect([numbers.get('In use system memory (driver)'), numbers.get('In use system memory')]).toEqual([
    0, 2_914_402_304,
  ]);
  expect(parseRegistry('nothing of the kind')).toEqual([]);
});

test('asks the commands that the descriptions are made of', async () => {
  const asked: string[] = [];
  const texts: Record<string, string> = { IOAccelerator: recorded.IOREG_GPU_M4_MAX, hw: recorded.SYSCTL_M4 };
  const found = await detectMac(METAL, async (command) => {
    asked.push(command.join(' '));
    return Object.entries(texts).find(([part]) => command.includes(part))?.[1] ?? '';
  });
  expect(asked).toEqual(Object.values(DETECT).map((command) => command.join(' ')));
  expect(found).toMatchObject({ cpu: { logical_cores: 12 }, gpus: [{ cores: 40 }] });
});

test('a command that fails, hangs or is absent is a reason', async () => {
  const run = commandRunner(300);
  expect(await run(['/bin/echo', 'hw.ncpu: 8'])).toBe('hw.ncpu: 8\n');
  expect(await run(['/bin/sh', '-c', 'echo a: 1; exit 1'])).toBe('a: 1\n');
  const why = async (command: string[]) => {
    const said = await run(command);
    return isTold(said) ? said : said.reason;
  };
  expect(await why(['/bin/sh', '-c', 'exit 3'])).toBe('/bin/sh failed with 3');
  expect(await why(['/bin/sleep', '20'])).toBe('/bin/sleep did not answer within 300 ms');
  expect(await why(['/nowhere/sysctl'])).toBe('/nowhere/sysctl could not be run');
});
