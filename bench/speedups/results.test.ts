// What is written of the speed-up tables: the Markdown, the chart, the table of README, and the rows themselves.
import { describe, expect, test } from 'bun:test';
import { chart, logPosition } from './chart.ts';
import { measure, mustAgree, rowOf } from './measure.ts';
import { provenance, type Results, resultsMarkdown, significant, summary, withSummary } from './results.ts';
import { ROWS } from './rows.ts';

const published = { table: 'platform', operation: 'Matrix <operations>', before: '890 ms', after: '12 ms' };
const results: Results = {
  machine: { cpu: 'Some CPU', threads: 2, memory_gib: 24, os: 'linux 6', load_begin: 0.5, load_end: 1.25 },
  date: '2026-11-22T10:00:00.000Z',
  versions: { Bun: '1.4.5', NumPy: '2.4.6', QuantLib: null },
  rows: [
    {
      id: 'matrix',
      published,
      published_ratio: 74,
      status: 'measured',
      workload: 'Product of two 8 x 8 matrices, f64',
      before: 'plain TypeScript',
      before_ms: 1234,
      now_ms: 12,
      ratio: 102.8,
      ratio_q1: 99,
      ratio_q3: 107.2,
      rounds: 15,
      rivals: [{ name: 'NumPy 2.4.6', ms: 12.5, ratio: 1.04, ratio_q1: 0.98, ratio_q3: 1.1 }],
      note: 'Before: loops.',
      beside: [
        {
          workload: 'The same in f32',
          before: null,
          before_ms: null,
          now_ms: 0.005,
          ratio: null,
          ratio_q1: null,
          ratio_q3: null,
          rounds: 15,
          rivals: [],
        },
      ],
    },
    {
      id: 'automl',
      published: { ...published, operation: 'AutoML' },
      published_ratio: 12.5,
      status: 'pending',
      workload: 'Search over models',
      before_ms: null,
      now_ms: null,
      ratio: null,
      rivals: [],
      note: 'nothing is trained yet.',
    },
  ],
};

describe('the Markdown', () => {
  test('shows claim, both times, the ratio with its quartiles, and the rivals', () => {
    const [, , measured, pending] = summary(results).split('\n');
    expect(measured).toBe(
      '| Matrix <operations> | 890 ms to 12 ms, 74x | 1.23 s | 12.00 ms | 103x (99.0 .. 107) | NumPy 2.4.6: 12.50 ms, 1.04x (0.980 .. 1.10) |',
    );
    expect(pending).toContain('pending: nothing is trained yet.');
    expect(pending).toContain('12.5x');
  });

  test('has a part for each row, with workload, note and what was measured beside', () => {
    const text = resultsMarkdown(results);
    expect(text).toContain('## Matrix <operations>\n\nPublished: 890 ms to 12 ms, 74x (platform).');
    expect(text).toContain('Product of two 8 x 8 matrices, f64. **Now 12.00 ms** (15 rounds).');
    expect(text).toContain('| before: plain TypeScript | 1.23 s | 103x (99.0 .. 107) |');
    expect(text).toContain('The same in f32. **Now 5.00 us** (15 rounds).');
    expect(text).toContain(
      '## AutoML\n\nPublished: 890 ms to 12 ms, 12.5x (platform).\n\nPending: nothing is trained yet.',
    );
    expect(text).not.toContain('null');
    expect(text).not.toContain('NaN');
  });

  test('says where and with what, absent rivals included', () => {
    expect(provenance(results)).toBe(
      '2026-11-22, Some CPU, 2 threads, 24 GiB, linux 6, load average 0.50 to 1.25. Bun 1.4.5, NumPy 2.4.6, QuantLib absent.',
    );
  });

  test('replaces what stands between the marks of README only', () => {
    const readme = 'a\n<!-- speedups:start -->\nold\n<!-- speedups:end -->\nb\n';
    expect(withSummary(readme, 'new')).toBe('a\n<!-- speedups:start -->\nnew\n<!-- speedups:end -->\nb\n');
    expect(() => withSummary('a', 'new')).toThrow('speedups:start');
  });

  test('writes numbers with three digits', () => {
    expect([0.01234, 1.2, 45.67, 123.4, 12_345].map(significant)).toEqual([
      '0.0123',
      '1.20',
      '45.7',
      '123',
      '12,345',
    ]);
  });
});

describe('the chart', () => {
  const svg = chart(results);

  test('is well-formed XML with a bar for each claim and each ratio, and a line for the quartiles', () => {
    const bars = (kind: string) => svg.match(new RegExp(`class="${kind}"`, 'g'))?.length ?? 0;
    expect([bars('ours'), bars('claim'), bars('spread')]).toEqual([1, 2, 1]);
    expect(svg).toContain('Matrix &lt;operations&gt;');
    expect(svg).toContain('pending');
    const open = svg.match(/<(?!\/|[^>]*\/>)/g)?.length;
    expect(open).toBe(svg.match(/<\//g)?.length);
    expect(svg).not.toContain('NaN');
  });

  test('keeps its bars within the picture, whatever the ratio', () => {
    const extreme = {
      ...results,
      rows: results.rows.map((row) => ({ ...row, published_ratio: 1e9 })),
    } as Results;
    for (const [, x, width] of chart(extreme).matchAll(
      /<rect class="\w+" x="([\d.]+)" y="\d+" width="([\d.]+)"/g,
    )) {
      expect(Number(x)).toBeGreaterThanOrEqual(0);
      expect(Number(x) + Number(width)).toBeLessThanOrEqual(880);
    }
  });

  test('places ratios by their logarithm', () => {
    expect(logPosition(1, 0.1, 10)).toBeCloseTo(0.5, 12);
    expect([logPosition(0.001, 0.1, 10), logPosition(1000, 0.1, 10)]).toEqual([0, 1]);
  });
});

describe('the rows', () => {
  test('are those of the published tables, each once', () => {
    expect(ROWS.map(({ id }) => id).toSorted()).toEqual(
      [
        'matrix',
        'monte_carlo',
        'rsi',
        'memory_bandwidth',
        'order_execution',
        'throughput',
        'ml_inference_10k',
        'batch_training',
        'realtime_prediction',
        'feature_engineering',
        'cross_validation',
        'automl',
      ].toSorted(),
    );
  });

  const bench = { rivals: null, threads: 1, rounds: 3, quick: true };
  const head = { id: 'matrix', published, publishedRatio: 74 };

  test('that are pending hold no figure', async () => {
    const row = await rowOf({ ...head, pending: { workload: 'Search', note: 'later.' } }, bench);
    expect(row).toMatchObject({
      status: 'pending',
      now_ms: null,
      before_ms: null,
      ratio: null,
      rivals: [],
      note: 'later.',
    });
  });

  test('that are measured have medians and ratios of the same rounds', async () => {
    const side = (ns: number) => ({ measureNs: () => ns });
    const row = await rowOf(
      {
        ...head,
        measure: async () => ({
          note: 'N.',
          measurements: await measure(bench, {
            workload: 'W',
            now: side(2e6),
            also: [{ workload: 'V', now: side(4e6) }],
            before: side(20e6),
            rivals: [{ name: 'R', side: side(3e6) }, null],
          }),
        }),
      },
      bench,
    );
    expect(row).toMatchObject({
      status: 'measured',
      workload: 'W',
      now_ms: 2,
      before_ms: 20,
      ratio: 10,
      rounds: 3,
    });
    expect(row.rivals).toEqual([{ name: 'R', ms: 3, ratio: 1.5, ratio_q1: 1.5, ratio_q3: 1.5 }]);
    expect(row.status === 'measured' && row.beside).toMatchObject([{ workload: 'V', now_ms: 4, ratio: 5 }]);
  });

  test('are refused when the two sides answer different things', () => {
    expect(() => mustAgree('x', 1, 1.1, 0.01)).toThrow('x: ours answers 1');
    expect(() => mustAgree('x', 1, Number.NaN, 0.01)).toThrow('x');
    mustAgree('x', 1, 1.001, 0.01);
  });
});
