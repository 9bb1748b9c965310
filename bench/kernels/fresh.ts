// Runs a bench once for each element type, each in its own process.

/**
 * Calls `body` with the element type named on the command line; without one, runs the calling file again for `f64` and
 * for `f32`. A plain loop that has seen both array classes is compiled for both and would look slower than it is.
 */
export async function forEachDtype(
  path: string,
  body: (dtype: 'f64' | 'f32') => Promise<void>,
): Promise<void> {
  const named = process.argv[2];
  if (named === 'f64' || named === 'f32') return body(named);
  for (const dtype of ['f64', 'f32']) {
    const child = Bun.spawn([process.execPath, path, dtype], { stdout: 'inherit', stderr: 'inherit' });
    if ((await child.exited) !== 0) process.exitCode = 1;
  }
}
