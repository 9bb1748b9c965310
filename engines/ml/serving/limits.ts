// Limits of serving that no variable sets.

/** Microseconds of a run up to which it runs within the engine's own process: longer ones would hold up other requests. */
export const IN_PROCESS_US = 2000;

/** Rows up to which a single request is one run within the engine, where that is quick. */
export const WHOLE_ROWS = 10_000;

/** Most texts of one run: each runs alone there, so that more of them would gain nothing. */
export const TEXT_ROWS = 32;

/** Largest artefact that runs within the engine's own process. */
export const IN_PROCESS_BYTES = 8 * 2 ** 20;

/** How much a process that runs models yields to the engine where both want a core: the engine answers everybody. */
export const NICENESS = 5;

/** Milliseconds for which a model is not tried again after it took too much time or memory. */
export const SET_ASIDE_MS = 30_000;

/** Milliseconds without work after which a process that runs models ends. */
export const IDLE_MS = 300_000;

/** Bytes of rows that wait for all models together. */
export const MAX_WAITING_BYTES = 256 * 2 ** 20;
