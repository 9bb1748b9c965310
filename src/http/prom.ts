// The parts of prom-client that engines use. Its index also loads a push gateway, cluster support and default metrics, which
// would cost each of nine processes forty milliseconds of start-up for nothing.
import { createRequire } from 'node:module';
import type * as Prom from 'prom-client';

const require = createRequire(import.meta.url);

export const Counter: typeof Prom.Counter = require('prom-client/lib/counter');
export const Gauge: typeof Prom.Gauge = require('prom-client/lib/gauge');
export const Histogram: typeof Prom.Histogram = require('prom-client/lib/histogram');
export const Registry: typeof Prom.Registry = require('prom-client/lib/registry');

export type Counter<Label extends string = string> = Prom.Counter<Label>;
export type Gauge<Label extends string = string> = Prom.Gauge<Label>;
export type Histogram<Label extends string = string> = Prom.Histogram<Label>;
export type Registry = Prom.Registry;
