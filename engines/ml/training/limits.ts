// Limits of training that no variable sets.

/** How much a process that trains yields to the engine and to processes that run models, where they want the same core. */
export const NICENESS = 6;

/** Resident bytes of a process that trains; beyond them it is ended. */
export const MAX_BYTES = 8 * 2 ** 30;
