// Behaviour of the generated pages: nothing is missing, tables hold what the code says, staleness shows.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { topics } from '../src/bus/topics.ts';
import { ENGINE_NAMES } from '../src/cli/engines.ts';
import { cell, schemaText } from './gen-docs/schema-text.ts';
import { renderPages, stalePages } from './gen-docs.ts';

let pages: ReadonlyMap<string, string> = new Map();
const root = mkdtempSync(join(tmpdir(), 'nautilus-gen-'));

beforeAll(async () => {
  pages = await renderPages();
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

test('describes every topic and every engine', () => {
  const [topicsPage, routesPage] = [pages.get('docs/topics.md')!, pages.get('docs/routes.md')!];
  for (const { name } of Object.values(topics)) expect(topicsPage).toContain(`\n## \`${name}\``);
  for (const name of ENGINE_NAMES) expect(routesPage).toContain(`\n## ${name} (port `);
});

test('lists a route with what it takes, required members marked', () => {
  const page = pages.get('docs/routes.md')!;
  expect(page).toContain(
    '| `POST /deployments` | body: `strategy`*, `symbol`*, `portfolio_id`*, `options` |',
  );
  expect(page).toContain('| `GET /connections` | query: `limit`, `offset` |');
  expect(page.match(/`GET \/health`/g)).toHaveLength(1);
});

test('names the owner of a topic, its readers and its fields', () => {
  const page = pages.get('docs/topics.md')!;
  expect(page).toContain('| `ml.predictions` | ml | publish | websocket, strategy |');
  expect(page).toContain('| `positions[].average_price` | decimal text or null |');
});

test('gives the same pages each time', async () => {
  expect([...(await renderPages())]).toEqual([...pages]);
});

test('finds the pages that are absent or edited, and no others', async () => {
  expect(await stalePages(root, pages)).toEqual([...pages.keys()]);
  for (const [path, text] of pages) await Bun.write(join(root, path), text);
  expect(await stalePages(root, pages)).toEqual([]);
  writeFileSync(join(root, 'docs/topics.md'), `${pages.get('docs/topics.md')!} `);
  expect(await stalePages(root, pages)).toEqual(['docs/topics.md']);
});

test('refuses an argument that it does not know', () => {
  const run = Bun.spawnSync([process.execPath, resolve(import.meta.dir, 'gen-docs.ts'), '--chek']);
  expect(run.exitCode).toBe(2);
  expect(run.stderr.toString()).toContain('Expected no argument or --check');
});

describe('a schema in words', () => {
  test.each([
    [{ type: 'integer', minimum: 0, maximum: 9 }, 'integer, 0 to 9'],
    [{ type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }, 'integer'],
    [{ type: 'number', exclusiveMinimum: 0 }, 'number, above 0'],
    [{ type: ['number', 'null'] }, 'number or null'],
    [{ anyOf: [{ type: 'string', maxLength: 8 }, { type: 'null' }] }, 'text of at most 8 characters or null'],
    [{ type: 'string', pattern: '^-?\\d+(\\.\\d+)?$' }, 'decimal text'],
    [{ enum: ['buy', 'sell'] }, '"buy", "sell"'],
    [{ type: 'array', items: { type: 'object', properties: { a: {}, b: {} } } }, 'list of {a, b}'],
    [{ type: 'object', additionalProperties: { type: 'number' } }, 'map of text to number'],
    [{}, 'any JSON'],
  ])('%j', (schema, words) => {
    expect(schemaText(schema)).toBe(words);
  });

  test('keeps a table whole', () => {
    expect(cell('a | b\nc')).toBe('a \\| b c');
  });
});
