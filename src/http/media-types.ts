// Media types that several engines speak.

/** An Arrow IPC stream. */
export const ARROW_STREAM = 'application/vnd.apache.arrow.stream';
