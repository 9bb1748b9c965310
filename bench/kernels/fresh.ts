// Runs a bench once for each element type, each in its own process.

/**
 * Calls `body` with the element type named on the command line; without one, runs the calling file again for `f64` and
 * for `f32`. A plain loop that has seen both array classes is compiled for both and would look slower than it is.
 */
export async function forEachDtype(
  path: string,
  body: (dtype: 'f64' | 'f32') => Promise<void>,
): Promise<void> {
  const given = process.argv.slice(2);
  const dtypes = ['f64', 'f32'] as const;
  const chosen = dtypes.find((dtype) => given.includes(dtype));
  if (chosen) return body(chosen);
  for (const dtype of dtypes) {
    const child = Bun.spawn([process.execPath, path, dtype, ...given], {
      stdout: 'inherit',
      stderr: 'inherit',
    });
    if ((await child.exited) !== 0) process.exitCode = 1;
  }
}
