// The operator page in a real browser: what it shows, how it survives a lost connection and a burst.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import definition from '../../engines/websocket/index.ts';
import { Bus } from '../../src/bus/client.ts';
import { runLockstep, TestEngine, testSpec, topics, walkBars } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { publishDay, publishPresence } from './scene.ts';

const CHROME = [process.env.CHROME_PATH, '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (path) => path !== undefined && existsSync(path),
);
const SHOTS = fileURLToPath(new URL('../../build/screenshots/', import.meta.url));
const ARGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-background-networking'];

// Bun ends the browser together with a test that runs out of time, so that each wait has to end first.
setDefaultTimeout(60_000);

if (!CHROME) console.log('page tests are skipped: no Chromium; install one or set CHROME_PATH');

describe('operator page', () => {
  let engine: TestEngine;
  let browser: Browser;
  let page: Page;
  let presence: ReturnType<typeof setInterval>;
  const problems: string[] = [];

  beforeAll(async () => {
    if (!CHROME) return;
    mkdirSync(SHOTS, { recursive: true });
    engine = await TestEngine.start(definition);
    presence = setInterval(() => publishPresence(engine.bus), 1000);
    const { chromium } = await import('playwright-core');
    browser = await chromium.launch({ executablePath: CHROME, args: ARGS });
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
    });
    page.on('pageerror', (error) => void problems.push(String(error)));
    page.on('request', (request) => {
      if (!request.url().startsWith(engine.url)) problems.push(`request to ${request.url()}`);
    });
  });

  afterAll(async () => {
    clearInterval(presence);
    await browser?.close();
    await engine?.stop();
  });

  const text = (id: string) => page.textContent(`#${id}`);
  const shows = (id: string, part: string) =>
    eventually(async () => (await text(id))?.includes(part) ?? false, `#${id} to show ${part}`);
  /** Different colours of a chart's canvas, as a sign that something is drawn on it. */
  const colours = (id: string) =>
    page.evaluate((selector) => {
      const canvas = document.querySelector<HTMLCanvasElement>(`${selector} canvas`)!;
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      return new Set(new Uint32Array(data.buffer)).size;
    }, `#${id}`);

  test.skipIf(!CHROME)('says what is missing before anything was published', async () => {
    await page.goto(engine.url);
    await shows('link', 'live');
    await eventually(async () => (await page.locator('.tile').count()) === 9, 'nine tiles');
    expect(await text('price-empty')).toContain('No bars yet');
    expect(await page.isVisible('#price-empty')).toBe(true);
    expect(await text('equity')).toBe('–');
    expect(await page.isVisible('#key-dialog')).toBe(false);
  });

  test.skipIf(!CHROME)(
    'shows nine healthy engines, prices, profit and loss, signals, orders and fills',
    async () => {
      publishPresence(engine.bus);
      const day = publishDay(engine.bus);
      await eventually(
        async () => (await page.locator('.tile[data-tone="good"]').count()) === 9,
        'nine healthy tiles',
      );
      expect(await page.locator('.tile .status').allTextContents()).toEqual(Array(9).fill('healthy'));
      const money = Number(day.equity).toLocaleString('en-US', { minimumFractionDigits: 2 });
      await shows('equity', money);
      await shows('price', day.close.toFixed(2));
      await shows('source', 'simulated market');
      await shows('stats', 'Sharpe1.37');
      await shows('positions', 'BTC-SIM500');
      await shows('orders', 'rejected: order notional');
      await shows('orders-count', '1 rejected');
      expect(await page.locator('#fills tbody tr').count()).toBe(day.fills);
      expect(await page.locator('#signals tbody tr').count()).toBe(day.fills);
      expect(await page.locator('#signals tbody tr').first().textContent()).toMatch(/BTC-SIM(▲ BUY|▼ SELL)/);
      expect(await colours('price-chart')).toBeGreaterThan(5);
      expect(await colours('equity-chart')).toBeGreaterThan(5);
      await page.screenshot({ path: `${SHOTS}console-1280.png` });
      expect(problems).toEqual([]);
    },
  );

  test.skipIf(!CHROME)('comes with the same picture after a reload, from the snapshot', async () => {
    const before = [await text('equity'), await text('fills'), await text('price')];
    await page.reload();
    await shows('link', 'live');
    await shows('equity', before[0]!);
    expect([await text('equity'), await text('fills'), await text('price')]).toEqual(before);
    expect(problems).toEqual([]);
  });

  test.skipIf(!CHROME)('changes the symbol and the number of bars', async () => {
    await page.selectOption('#symbol', 'ETH-SIM');
    await page.click('#window button:has-text("60")');
    await shows('change', 'over 60 bars');
    await page.selectOption('#symbol', 'BTC-SIM');
  });

  test.skipIf(!CHROME)('shows an engine that is degraded and one that has ended in words', async () => {
    clearInterval(presence);
    const over = { ml: { status: 'degraded' as const, missing: ['model'] } };
    publishPresence(engine.bus, over);
    engine.bus.publish(topics.lifecycle, {
      engine: 'risk',
      event: 'exited',
      pid: 4001,
      exit_code: 137,
      detail: '',
    });
    const status = (name: string) => page.textContent(`[data-engine="${name}"] .status`);
    await eventually(async () => (await status('ml')) === 'degraded', 'ml to be degraded');
    await eventually(async () => (await status('risk')) === 'down', 'risk to be down');
    await page.screenshot({ path: `${SHOTS}console-degraded.png` });
    presence = setInterval(() => publishPresence(engine.bus), 1000);
    await eventually(async () => (await status('factor')) === 'healthy', 'healthy engines');
  });

  test.skipIf(!CHROME)('follows a replay at full speed and stays responsive', async () => {
    const owner = topics.marketLiveData.owner;
    const bus = new Bus(owner, engine.hub.connect());
    const spec = testSpec('websocket', { participants: [owner, 'websocket'] });
    const bars = walkBars('BTC-PERP', 20_000);
    async function* feed() {
      for (const [i, bar] of bars.entries()) {
        yield { body: { ...bar, source: 'replay' }, tsEventUs: bar.ts_event_us };
        // The page answers in between: it draws at its own pace, however fast messages come.
        if (i % 2000 === 1999) await shows('replay', 'replay running: BTC-PERP');
      }
    }
    await runLockstep(bus, spec, topics.marketLiveData, feed());
    await bus.close();
    await shows('replay', 'replay finished: BTC-PERP, 20,000 bars');
    await shows('price', bars.at(-1)!.close.toFixed(2));
    await shows('source', 'replayed history');
    expect(await page.inputValue('#symbol')).toBe('BTC-PERP');
    expect(problems).toEqual([]);
  });

  test.skipIf(!CHROME)('says that the connection is lost, and comes back by itself', async () => {
    const other = await browser.newPage();
    let cut = (): unknown => undefined;
    const back = Promise.withResolvers<void>();
    let connections = 0;
    await other.routeWebSocket(/\/ws$/, async (socket) => {
      cut = () => socket.close({ code: 1001 });
      // The second connection waits until the loss was seen, however slowly the page draws.
      if (connections++ > 0) await back.promise;
      socket.connectToServer();
    });
    await other.goto(engine.url);
    const link = () => other.textContent('#link');
    const tiles = async () => [...new Set(await other.locator('.tile .status').allTextContents())].join();
    await eventually(async () => (await link()) === 'live', 'the first connection');
    // Written down in the page itself: the countdown lasts less than a second.
    await other.evaluate(() => {
      const line = document.querySelector('#link')!;
      const seen: (string | null)[] = [];
      const options = { childList: true, characterData: true, subtree: true };
      new MutationObserver(() => seen.push(line.textContent)).observe(line, options);
      Object.assign(globalThis, { seen });
    });
    const seen = () => other.evaluate(() => (globalThis as unknown as { seen: string[] }).seen);
    await cut();
    await eventually(async () => (await tiles()) === 'no word', 'engines without word');
    expect((await seen()).join('\n')).toMatch(/^connection lost, again in \d+ s$/m);
    back.resolve();
    await eventually(async () => (await link()) === 'live', 'the second connection');
    await eventually(async () => (await tiles()) === 'healthy', 'healthy engines');
    await other.close();
  });

  test.skipIf(!CHROME)('fits a narrow screen without scrolling sideways', async () => {
    await page.selectOption('#symbol', 'BTC-SIM');
    await page.selectOption('#portfolio', 'portfolio_sim');
    await page.setViewportSize({ width: 390, height: 844 });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    await page.screenshot({ path: `${SHOTS}console-390.png`, fullPage: true });
  });
});
