// Limits of texts and of the models that read them.

/** Characters (UTF-16 code units) of one text. */
export const MAX_TEXT = 10_000;

/** Bytes of a tokenizer.json. */
export const MAX_TOKENIZER_BYTES = 16 * 2 ** 20;

/** Entries of its vocabulary. */
export const MAX_VOCABULARY = 300_000;

/** Tokens of one text that a model may be asked to read, and how many where nothing is said. */
export const MAX_TOKENS = 2048;
export const DEFAULT_TOKENS = 512;
