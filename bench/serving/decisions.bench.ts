// Hot path: one request for combined decisions through HTTP, with every hop between the processes of a running system. A regression means
// a slower model, bus, risk engine or assessment; the hops say which.

import { eventually } from '../../test/support/eventually.ts';
import { playHourlyBars } from '../../test/support/hourly-market.ts';
import { REDIS_SERVER, TestRedis } from '../../test/support/redis.ts';
import { TestSystem } from '../../test/support/system.ts';
import { loadNow } from '../machine.ts';
import { formatNs, quantile } from '../pairs.ts';
import { isQuick, publish } from '../report.ts';

const REQUESTS = isQuick ? 100 : 1000;
const WARM = 50;
const REACH_MS = 15;
const SYMBOLS = ['ONE', 'TWO', 'THREE'];
const HOPS = ['ml', 'bus_out', 'risk', 'bus_back', 'portfolio_risk', 'total'] as const;

/** The published number of symbols: one is bought, one held, one sold. */
const BODY = {
  symbols: SYMBOLS,
  features: {
    price_data: [100, 100, 100],
    volume: [1e8, 1e4, 1e4],
    technical_indicators: { rsi: [5, 50, 95], macd: [-10, 0, 10] },
  },
  prediction_horizon: '1h',
  portfolio_id: 'portfolio_001',
};

interface Reply {
  readonly hops_ms: Readonly<Record<(typeof HOPS)[number], number>>;
}

async function measure(name: string, env: Record<string, string>): Promise<string[]> {
  const system = await TestSystem.start([], env);
  try {
    await playHourlyBars(system, SYMBOLS, 500);
    const known = async () => (await system.post('risk', '/risk/check/portfolio_001')).status === 200;
    await eventually(known, 'the portfolio in the risk engine');
    const { port } = await system.engine('ml');
    const init = {
      method: 'POST',
      body: JSON.stringify(BODY),
      headers: { 'content-type': 'application/json' },
    };
    const took: number[] = [];
    const hops = new Map(HOPS.map((hop) => [hop, [] as number[]]));
    for (let i = 0; i < WARM + REQUESTS; i++) {
      const began = performance.now();
      const response = await fetch(`http://127.0.0.1:${port}/decisions`, init);
      const reply = (await response.json()) as Reply;
      if (response.status !== 200) throw new Error(`Expected 200, was ${response.status}`);
      if (i < WARM) continue;
      took.push(performance.now() - began);
      for (const hop of HOPS) hops.get(hop)!.push(reply.hops_ms[hop]);
    }
    const shown = (values: readonly number[], at: number) => formatNs(quantile(values, at) * 1e6);
    const p50 = quantile(took, 0.5);
    return [
      name,
      shown(took, 0.5),
      shown(took, 0.99),
      `${REACH_MS} ms: ${p50 < REACH_MS ? 'held' : 'missed'}`,
      ...HOPS.map((hop) => shown(hops.get(hop)!, 0.5)),
    ];
  } finally {
    await system.stop();
  }
}

const rows = [await measure('embedded hub', {})];
if (REDIS_SERVER !== null) {
  const redis = await TestRedis.start();
  try {
    rows.push(await measure('Redis', { REDIS_URL: redis.url }));
  } finally {
    await redis.stop();
  }
}
publish({
  title: 'Combined decisions',
  note: `POST /decisions for three symbols with the generic models and a portfolio without positions, one client that asks again as soon as it has its answer, ${REQUESTS} requests to nine engines on the same machine; the published workflow says 15 ms (ML 7, risk 8). The hops are medians of what replies tell; reading and writing HTTP is in the first columns only. Load average ${loadNow()}.`,
  columns: ['bus', 'p50', 'p99', 'reach of p50', ...HOPS],
  rows,
});
