// Waiting in tests: poll a condition instead of sleeping for a guessed time.

/** As long as a machine that is busy with other work may need; a test that fails waits so long, one that passes does not. */
const PATIENCE_MS = 60_000;

/** Resolves when `condition` holds; throws after `withinMs` with `what` in the message. Only drills that promise a time give one. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string,
  withinMs = PATIENCE_MS,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Expected within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
