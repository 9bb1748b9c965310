// All sources of market data by their id.
import type { SourceFactory } from './port.ts';

export const SOURCES: Readonly<Record<string, SourceFactory>> = {};
