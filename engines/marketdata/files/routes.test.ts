// Imports over HTTP: bodies and files of the import folder, at once and as jobs; what leads out of the folder is refused.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import definition from '../index.ts';

const trades = [
  'time,price,size',
  ...Array.from({ length: 100 }, (_, i) => `${1_600_000_000 + i},1.${i + 10},2`),
].join('\n');

describe('POST /import', () => {
  const env = { NAUTILUS_MAX_IMPORT_BYTES: '20000' };
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start(definition, env);
    const folder = join(engine.dataDir, 'import');
    mkdirSync(join(folder, 'more'), { recursive: true });
    writeFileSync(join(folder, 'more', 'trades.csv.gz'), gzipSync(trades));
    writeFileSync(join(engine.dataDir, 'outside.csv'), trades);
    symlinkSync(join(engine.dataDir, 'outside.csv'), join(folder, 'link.csv'));
  });
  afterAll(() => engine.stop());

  async function send(query: string, body?: string | Uint8Array<ArrayBuffer>) {
    const response = await fetch(`${engine.url}/import${query}`, {
      method: 'POST',
      ...(body === undefined ? {} : { body }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: replies of many shapes
    return { status: response.status, body: (await response.json()) as any };
  }
  const uploads = () => readdir(join(engine.dataDir, 'uploads')).catch(() => []);

  test('stores a body at once, and says what it held', async () => {
    const { status, body } = await send('?symbol=T1', trades);
    expect([status, body.imported, body.dry_run, body.series[0].kind]).toEqual([200, 100, false, 'trade']);
    expect((await engine.get('/trades/T1?limit=1')).body.trades).toHaveLength(1);
    expect(await uploads()).toEqual([]);
  });

  test('stores nothing in a dry run', async () => {
    const { body } = await send('?symbol=T2&dry_run=true', trades);
    expect([body.imported, body.dry_run]).toEqual([100, true]);
    expect((await engine.get('/trades/T2')).body.trades ?? []).toEqual([]);
  });

  test('keeps what was wrong with its series, also over a restart, and forgets it for that of the same file', async () => {
    const faulty = 'time,bid,ask\n1600000000,1.5,1.6\n1600000001,1.7,1.6\n1600000002,1.5,1.6\nsoon,1,2';
    const { body } = await send('?symbol=Q1&name=quotes.csv&source=desk', faulty);
    expect([body.file, body.series[0].flags]).toEqual(['quotes.csv', { crossed: 1 }]);
    await send('?symbol=Q1&source=desk', faulty.replace('1.7', '1.4'));
    await send('?symbol=Q1&name=again.csv&source=desk', faulty);
    const quality = async () => (await engine.get('/quality/Q1')).body;
    const before = await quality();
    expect(before.series).toEqual([]);
    expect(before.imports).toMatchObject([
      { file: 'again.csv', source: 'desk', kind: 'quote', records: 3, rejected: 1, flags: { crossed: 1 } },
      { file: 'body', records: 3, rejected: 0, flags: {}, score: 1 },
    ]);
    const [score] = before.imports.map((one: { score: number }) => one.score);
    expect(score).toBeLessThan(1);
    expect(before.combined).toEqual([
      {
        source: 'desk',
        kind: 'quote',
        records: 6,
        flagged: 1,
        quarantined: 1,
        flags: { crossed: 1 },
        missing: 0,
        coverage: 1,
        score: (score + 1) / 2,
      },
    ]);
    await engine.restart(definition, env);
    expect(await quality()).toEqual(before);
    expect((await engine.get('/quality/NONE')).status).toBe(404);
  });

  test('takes bars alone by the same way, with a shorter reply: judged, remembered, a bar of one time once', async () => {
    const bar = (i: number, rest: string) => `${1_600_000_000 + i * 60},10,${rest}`;
    const text = ['time,open,high,low,close', bar(2, '12,9,11'), bar(0, '12,9,11'), bar(1, '9,12,11')];
    const again = [bar(1, '12,9,10'), bar(1, '12,9,11'), bar(1, '12,9,11'), 'soon,1,1,1,1'];
    const response = await fetch(`${engine.url}/bars/import?symbol=B1`, {
      method: 'POST',
      body: [...text, ...again].join('\n'),
    });
    expect(await response.json()).toEqual({
      rows: 7,
      imported: 4,
      replaced: 1,
      rejected: 3,
      reasons: { ohlc_inconsistent: 1, duplicate: 1, 'time not readable': 1 },
      errors: [
        { line: 4, reason: 'ohlc_inconsistent' },
        { line: 7, reason: 'duplicate' },
        { line: 8, reason: 'time not readable' },
      ],
      series: [
        {
          symbol: 'B1',
          interval_us: 60e6,
          source: 'file',
          bars: 4,
          first_ts_us: 1_600_000_000e6,
          last_ts_us: 1_600_000_120e6,
        },
      ],
      processing_time_ms: expect.any(Number),
    });
    const stored = (await engine.get('/bars/B1')).body.bars;
    expect(stored.map((one: { close: number }) => one.close)).toEqual([11, 11, 11]);
    expect((await engine.get('/quality/B1')).body.imports).toMatchObject([
      { file: 'body', kind: 'bar', records: 6, rejected: 2, flags: { ohlc_inconsistent: 1, duplicate: 1 } },
    ]);
    expect(await uploads()).toEqual([]);
  });

  test('imports a file of the folder as a job', async () => {
    const { status, body } = await send('?symbol=T3&path=more/trades.csv.gz&wait=false');
    expect(status).toBe(202);
    const job = async () => (await engine.get(`/jobs/${body.job_id}`)).body;
    await eventually(async () => (await job()).finished_ts_us !== null, 'the job to end');
    expect((await job()).state).toBe('completed');
    expect((await engine.get(`/jobs/${body.job_id}/result`)).body).toMatchObject({
      file: 'trades.csv.gz',
      imported: 100,
    });
  });

  test('refuses what leads out of the folder, what is not there and what is too large or no such file', async () => {
    for (const [query, status] of [
      ['?symbol=X&path=../outside.csv', 422],
      ['?symbol=X&path=more/../../outside.csv', 422],
      ['?symbol=X&path=link.csv', 422],
      ['?symbol=X&path=/etc/hostname', 422],
      ['?symbol=X&path=nothing.csv', 404],
      ['?symbol=X&path=more', 404],
      ['?symbol=X&format=xml', 422],
      ['?symbol=X&calendar=moon', 422],
    ] as const) {
      const reply = await send(query);
      expect([query, reply.status]).toEqual([query, status]);
    }
    expect((await send('?symbol=X', 'x'.repeat(30_000))).status).toBe(413);
    expect((await send('?symbol=X', 'no,such,columns\n1,2,3')).status).toBe(400);
    expect((await send('?symbol=X')).status).toBe(400);
    expect((await send('?symbol=SIM-BTC', trades)).status).toBe(409);
    expect(await uploads()).toEqual([]);
  });

  test('counts records, rejected rows by reason, bytes and time, and what failed or was a dry run apart', async () => {
    await engine.restart(definition, env);
    const body = 'time,price,size\n1600000000,1,1\nsoon,1,1\n1600000001,-1,1\n';
    await send('?symbol=M1', body);
    await send('?symbol=M1&dry_run=true', body);
    await send('?symbol=M1', 'no,such,columns\n1,2,3');
    const text = (await engine.get('/metrics')).body as string;
    const values = Object.fromEntries(
      [...text.matchAll(/^nautilus_market_import_(\w+)\{(.*)\} (\d+)$/gm)]
        .filter(([, name]) => !name!.endsWith('_bucket'))
        .map(([, name, labels, value]) => [
          `${name} ${labels!.replace(/,?engine="\w+",?/, '')}`,
          Number(value),
        ]),
    );
    expect(values).toEqual({
      'records_total format="csv",outcome="imported"': 1,
      'records_total format="csv",outcome="rejected"': 2,
      'rejected_total reason="time not readable"': 1,
      'rejected_total reason="price not positive"': 1,
      'bytes_total format="csv"': body.length,
      'seconds_count outcome="stored"': 1,
      'seconds_count outcome="dry_run"': 1,
      'seconds_count outcome="failed"': 1,
    });
  });
});
