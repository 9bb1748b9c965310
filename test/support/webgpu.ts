// Where the WebGPU provider of ONNX Runtime can run: the GPU of a Mac, or Chromium's software Vulkan device on Linux.
import { existsSync } from 'node:fs';

const CHROMIUM = '/usr/lib/chromium';
const DEVICE = `${CHROMIUM}/vk_swiftshader_icd.json`;

/** Environment of a process that uses WebGPU; `missing` says why there is none here, in brackets for the name of a test. */
export function webGpuEnvironment(): { readonly env: Record<string, string>; readonly missing: string } {
  if (process.platform === 'darwin') return { env: {}, missing: '' };
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { env: {}, missing: ` (no WebGPU provider is tested on ${process.platform} ${process.arch})` };
  }
  if (!existsSync(DEVICE))
    return { env: {}, missing: ` (no software Vulkan device: ${DEVICE}, Debian: chromium-common)` };
  // The loader of Vulkan comes with Chromium too, outside the usual folders of libraries.
  const env = { VK_ICD_FILENAMES: DEVICE, XDG_RUNTIME_DIR: '/tmp', LD_LIBRARY_PATH: CHROMIUM };
  return { env, missing: '' };
}

/** Runs a program of this repository with WebGPU and returns what it printed, one JSON document a line. */
export async function runWithWebGpu(
  path: string,
  env: Record<string, string>,
  args: readonly string[] = [],
): Promise<unknown[]> {
  const child = Bun.spawn([process.execPath, path, ...args], {
    env: { ...process.env, ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`${path} ended with ${code}: ${err.slice(-2000)}`);
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
