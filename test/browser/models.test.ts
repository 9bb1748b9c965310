// The page of models in a real browser: what it shows of everything that the ml engine tells, from the stream and from the snapshot.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import definition from '../../engines/websocket/index.ts';
import { TestEngine, topics } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { decision, publishModels, training } from './model-scene.ts';
import { publishPresence } from './scene.ts';

const CHROME = [process.env.CHROME_PATH, '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (path) => path !== undefined && existsSync(path),
);
const SHOTS = fileURLToPath(new URL('../../build/screenshots/', import.meta.url));
const ARGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-background-networking'];

// Bun ends the browser together with a test that runs out of time, so that each wait has to end first.
setDefaultTimeout(60_000);

describe.skipIf(!CHROME)('page of models', () => {
  let engine: TestEngine;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    mkdirSync(SHOTS, { recursive: true });
    engine = await TestEngine.start(definition);
    const { chromium } = await import('playwright-core');
    browser = await chromium.launch({ executablePath: CHROME!, args: ARGS });
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
    await browser?.close();
    await engine?.stop();
  });

  const text = (id: string) => page.textContent(`#${id}`);
  const shows = (id: string, part: string) =>
    eventually(async () => (await text(id))?.includes(part) ?? false, `#${id} to show ${part}`);
  const ALL = [
    'registry',
    'training-readout',
    'search-readout',
    'leaders',
    'experiments',
    'monitors',
    'predictions',
    'decisions',
  ];

  test('is reached from the first page, and says what is missing before anything was told', async () => {
    await page.goto(engine.url);
    await page.click('nav a:has-text("Models")');
    await page.waitForURL('**/console/models.html');
    await shows('link', 'live');
    expect(new URL(page.url()).pathname).toBe('/console/models.html');
    expect(await text('registry')).toContain('No model yet');
    expect(await page.isVisible('#loss-empty')).toBe(true);
    expect(await page.isVisible('#key-dialog')).toBe(false);
    expect(await page.getAttribute('nav a[href="/"]', 'href')).toBe('/');
  });

  test('shows models, losses, leaders, experiments, predictions and decisions as they are told', async () => {
    publishPresence(engine.bus);
    publishModels(engine.bus);
    await shows('registry', 'direction');
    const rows = await page.locator('#registry tbody tr').allTextContents();
    expect(rows.length).toBe(4);
    expect(rows[0]).toMatch(/^directionclassification3noneaccuracy 0\.56, log_loss 0\.69, brier 0\.249/);
    expect(rows[1]).toContain('2● serves');
    expect(rows[3]).toContain('emptyclassification–no version');
    expect(await text('registry-count')).toBe('2, 1 serving');
    await shows('training-readout', 'lstm · step 40 · loss 0.3333');
    expect(await text('training-state')).toBe('running 40 %');
    const colours = await page.evaluate(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('#loss-chart canvas')!;
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      return new Set(new Uint32Array(data.buffer)).size;
    });
    expect(colours).toBeGreaterThan(5);
    await shows('search-readout', 'sharpe_ratio 1.234 · 30 complete, 8 pruned, 2 failed, 2 running of 100');
    expect(await page.locator('#leaders tbody tr').allTextContents()).toEqual([
      '117xgboost1.234',
      '24transformer1.1',
    ]);
    await shows('experiments', 'control 90 % (900), challenger 10 % (100, p 0.0123)challenger');
    await shows('monitors', 'direction5000.310.020.481.5performance drift, data drift, retraining running');
    await shows('predictions', 'BTC-SIM0.61761.7 %direction');
    await shows('decisions', 'MSFT▲ BUY0.91–0.883✗ reject');
    await shows('decisions', 'AAPL▲ BUY0.910.820.883✓ execute+4.55 %');
    await page.screenshot({ path: `${SHOTS}models-1280.png` });
    expect(problems).toEqual([]);
  });

  test('comes with the same picture after a reload, from the snapshot', async () => {
    const before = await Promise.all(ALL.map(text));
    await page.reload();
    await shows('link', 'live');
    await shows('decisions', 'AAPL');
    await shows('training-readout', 'step 40');
    expect(await Promise.all(ALL.map(text))).toEqual(before);
    expect(problems).toEqual([]);
  });

  test('follows the course of a training, another one, and a model that is deleted', async () => {
    const { bus } = engine;
    bus.publish(
      topics.trainingUpdates,
      training(100, { state: 'completed', fraction: 1, model_version: '4' }),
    );
    await shows('training-readout', 'version 4');
    bus.publish(topics.trainingUpdates, training(1, { job_id: 'training-000002', family: 'gru' }));
    await shows('training-readout', 'gru');
    await page.selectOption('#training', 'training-000001');
    await shows('training-readout', 'lstm');
    bus.publish(topics.models, {
      model_id: 'empty',
      source: 'registry',
      name: 'x',
      model_type: 'classification',
      algorithm: null,
      deleted: true,
      deployed_version: null,
      versions: [],
    });
    await shows('registry-count', '1, 1 serving');
    bus.publish(topics.decisions, decision('<b>X</b>', { signal: null }));
    await shows('decisions', '<b>X</b>');
    expect(problems).toEqual([]);
  });

  test('fits a narrow screen without scrolling sideways, and leads back', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    // What a finger can't hover over is readable, with tables that scroll in their panels.
    const widths = await page
      .locator('#registry td.why')
      .evaluateAll((cells) => cells.map((cell) => cell.clientWidth));
    expect(Math.min(...widths)).toBeGreaterThan(100);
    await page.screenshot({ path: `${SHOTS}models-390.png`, fullPage: true });
    await page.click('nav a:has-text("Trading")');
    await page.waitForURL(`${engine.url}/`);
    await shows('link', 'live');
  });
});
