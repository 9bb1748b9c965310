// The operator page where keys are asked for: it asks, connects, and keeps the key to its tab.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import definition from '../../engines/websocket/index.ts';
import { addKey, revokeKey } from '../../src/http/api-keys.ts';
import { TestEngine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';

const CHROME = [process.env.CHROME_PATH, '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (path) => path !== undefined && existsSync(path),
);
const ARGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-background-networking'];

setDefaultTimeout(60_000);

let engine: TestEngine;
let browser: Browser;

beforeAll(async () => {
  if (!CHROME) return;
  engine = await TestEngine.start(definition, { NAUTILUS_AUTH: 'required' });
  const { chromium } = await import('playwright-core');
  browser = await chromium.launch({ executablePath: CHROME, args: ARGS });
});

afterAll(async () => {
  await browser?.close();
  await engine?.stop();
});

test.skipIf(!CHROME)(
  'asks for a key, again after a wrong one and after its end, and keeps it over a reload',
  async () => {
    const { key, record } = addKey(engine.context.config, 'page', 'read');
    const page = await browser.newPage();
    const urls: string[] = [];
    page.on('request', (request) => void urls.push(request.url()));
    const asked = () => page.isVisible('#key-dialog');
    const live = async () => (await page.textContent('#link')) === 'live';
    const give = async (text: string) => {
      await page.fill('#key', text);
      await page.click('#key-form button');
    };
    await page.goto(engine.url);
    await eventually(asked, 'the question');
    expect(await page.isVisible('#key-wrong')).toBe(false);
    await page.keyboard.press('Escape');
    expect(await asked()).toBe(true);
    await give('nonsense');
    await eventually(() => page.isVisible('#key-wrong'), 'the refusal of nonsense');
    await give(`nk_aaaaaaaa_${'x'.repeat(43)}`);
    await eventually(() => page.isVisible('#key-wrong'), 'the refusal of an unknown key');
    await eventually(asked, 'the question again');
    await give(` ${key} `);
    await eventually(live, 'the link');
    await page.reload();
    await eventually(live, 'the link after a reload');
    expect(urls.filter((url) => url.includes(key))).toEqual([]);
    expect(await page.evaluate(() => localStorage.length)).toBe(0);
    revokeKey(engine.context.config, record.id);
    await eventually(asked, 'the question after the end of the key');
  },
);
