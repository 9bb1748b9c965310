// The version that every engine reports, read from the one place that states it.
import manifest from '../../package.json' with { type: 'json' };

/** Semantic version of this checkout. */
export const VERSION: string = manifest.version;
