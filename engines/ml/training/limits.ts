// Limits of training that no variable sets.

/** How much a process that trains yields to the engine and to processes that run models, where they want the same core. */
export const NICENESS = 12;

/** Resident bytes of a process that trains; beyond them it is ended. */
export const MAX_BYTES = 8 * 2 ** 30;

/** Milliseconds between two states of a fit that are kept: what is lost at most when its process is ended. */
export const CHECKPOINT_MS = 10_000;
