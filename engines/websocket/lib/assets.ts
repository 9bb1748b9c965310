// The files of the operator page: an allow-list, since no path of a request ever reaches the file system.
import { fileURLToPath } from 'node:url';
import { NotFoundError } from '../../../src/core/errors.ts';

const CONSOLE = new URL('../../../console/', import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

const OWN = [
  'index.html',
  'app.js',
  'connection.js',
  'state.js',
  'charts.js',
  'format.js',
  'panels.js',
  'page.js',
  'tables.js',
  'models.html',
  'models.js',
  'model-state.js',
  'model-panels.js',
  'model-chart.js',
  'style.css',
  'icon.svg',
];
const CHART_LIBRARY = ['uPlot.iife.min.js', 'uPlot.min.css'];

// Scripts, styles and data come from this engine only, and no other page may frame this one.
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  // A page from before an update must not run against the engine after it.
  'cache-control': 'no-cache',
};

/** Returns one file of the page. Throws NotFoundError for any other name. */
export function asset(name: string): Response {
  const type = TYPES[name.slice(name.lastIndexOf('.') + 1)];
  const path = pathOf(name);
  if (!type || !path) throw new NotFoundError('No such file of the page');
  return new Response(Bun.file(path), { headers: { ...HEADERS, 'content-type': type } });
}

function pathOf(name: string): string | undefined {
  if (OWN.includes(name)) return fileURLToPath(new URL(name, CONSOLE));
  if (CHART_LIBRARY.includes(name)) return fileURLToPath(import.meta.resolve(`uplot/dist/${name}`));
  return undefined;
}
