// The sizes from which the GPU of an M4 Max is expected to win: arithmetic over published figures, for as long as nothing is measured.

/** What a large call of a row does. */
export interface LargeCall {
  readonly id: string;
  /** Size of the call in the unit of the row. */
  readonly elements: number;
  /** Floating-point operations; 0 where the traffic bounds it. */
  readonly operations: number;
  /** Bytes that go through memory in f32. */
  readonly bytes: number;
  /** What computes it on the CPU. */
  readonly cpu: 'hwy' | 'blas';
}

/** Milliseconds that a command buffer costs beside its work: small products took 0.36 to 0.46 (chsasank/device-benchmarks#13). */
const LAUNCH_MS = 0.4;
/** The GPU of 40 cores: bytes and f32 operations in a millisecond (13.8 TFLOP/s: zzc0721/torch-performance-test-data#65). */
const GPU = { bytes: 546e6, operations: 13.8e9 };
/**
 * The CPU: 300 GB/s of the memory's 546 (no figure is published for the CPU alone; it is well below), the matrix units of two
 * clusters at 3.5 TFLOP/s for BLAS (one reaches 2.3 at most, and 1.8 in products: Remke, Breuer 2024, arXiv 2409.18779), and 12 cores at 16
 * operations a nanosecond for the rest.
 */
const CPU = { bytes: 300e6, blas: 3.5e9, hwy: 12 * 16e6 };

/** Whether a processor is an M4 Max, by its name. */
export const isM4Max = (cpuName: string): boolean => /\bApple M4 Max\b/.test(cpuName);

/**
 * Returns the size from which the GPU of an M4 Max should win over all its CPU cores; 0 where its work alone takes as long. Times are taken
 * to grow with the size.
 */
export function expectedCrossover({ elements, operations, bytes, cpu }: LargeCall): number {
  const gpuMs = Math.max(bytes / GPU.bytes, operations / GPU.operations);
  const cpuMs = Math.max(bytes / CPU.bytes, operations / CPU[cpu]);
  return cpuMs > gpuMs ? Math.ceil((elements * LAUNCH_MS) / (cpuMs - gpuMs)) : 0;
}
