// The published workflow on a running system: bars, indicators, signals, their validation by the risk engine, gates.
//
//   make engines                        # in another terminal
//   bun examples/decisions.ts           # after a minute, when the simulated market has a history
//
// Options: --portfolio <id>, --symbols <a,b>, --horizon <15m|1h|1d>, --confidence, --var and --combined for the gates, and
// --marketdata, --features and --ml for engines that are elsewhere. NAUTILUS_API_KEY is sent where there is one.
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    portfolio: { type: 'string', default: 'portfolio_sim' },
    symbols: { type: 'string', default: 'SIM-TECH,SIM-BANK,SIM-GOLD' },
    horizon: { type: 'string', default: '1h' },
    confidence: { type: 'string', default: '0.8' },
    var: { type: 'string', default: '0.02' },
    combined: { type: 'string', default: '0.85' },
    marketdata: { type: 'string', default: 'http://127.0.0.1:8800' },
    features: { type: 'string', default: 'http://127.0.0.1:8500' },
    ml: { type: 'string', default: 'http://127.0.0.1:8400' },
  },
});

interface Bars {
  readonly bars: readonly { readonly close: number; readonly volume: number }[];
}
interface Indicator {
  readonly outputs: Readonly<Record<string, readonly (number | null)[]>>;
}
interface Decisions {
  readonly portfolio_var: number | null;
  readonly decisions: readonly {
    readonly symbol: string;
    readonly signal: string | null;
    readonly ml_confidence: number | null;
    readonly risk_score: number | null;
    readonly combined_confidence: number | null;
    readonly decision: string;
    readonly reasons: readonly string[];
  }[];
  readonly executed: readonly string[];
  readonly hops_ms: Readonly<Record<string, number>>;
}

const key = process.env.NAUTILUS_API_KEY;
const headers = { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) };

async function call<Reply>(url: string, body?: unknown): Promise<Reply> {
  const response = await fetch(url, {
    headers,
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  const reply = await response.json();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${(reply as { detail: string }).detail}`);
  return reply as Reply;
}

/** The newest value of an indicator of closes; null until its warm-up is over. */
async function newest(name: string, output: string, close: readonly number[]): Promise<number | null> {
  const { outputs } = await call<Indicator>(`${options.features}/indicators/${name}`, { inputs: { close } });
  return outputs[output]!.at(-1) ?? null;
}

// 1. Market data, and 2. what the models read of it.
const symbols = options.symbols.split(',');
const read = await Promise.all(
  symbols.map(async (symbol) => {
    const { bars } = await call<Bars>(`${options.marketdata}/bars/${encodeURIComponent(symbol)}?limit=200`);
    const close = bars.map((bar) => bar.close);
    const [rsi, macd] = await Promise.all([newest('rsi', 'rsi', close), newest('macd', 'macd', close)]);
    return { price: close.at(-1) ?? null, volume: bars.at(-1)?.volume ?? null, rsi, macd };
  }),
);

// 3. Signals, 4. their validation by the risk engine, 5. value at risk with the trades, 6. gates: one request.
const decided = await call<Decisions>(`${options.ml}/decisions`, {
  symbols,
  features: {
    price_data: read.map(({ price }) => price),
    volume: read.map(({ volume }) => volume),
    technical_indicators: { rsi: read.map(({ rsi }) => rsi), macd: read.map(({ macd }) => macd) },
  },
  prediction_horizon: options.horizon,
  time_horizon: options.horizon,
  portfolio_id: options.portfolio,
  weights: { ml: 0.7, risk: 0.3 },
  gates: {
    confidence: Number(options.confidence),
    portfolio_var: Number(options.var),
    combined_confidence: Number(options.combined),
  },
});

const shown = (value: number | null) => (value === null ? '-' : value.toFixed(3));
console.log('symbol       signal  ml     risk   combined  decision');
for (const one of decided.decisions) {
  const numbers = [one.ml_confidence, one.risk_score, one.combined_confidence].map(shown);
  const [ml, risk, combined] = numbers as [string, string, string];
  const cells = [one.symbol.padEnd(13), (one.signal ?? '-').padEnd(8), ml.padEnd(7), risk.padEnd(7)];
  console.log(`${cells.join('')}${combined.padEnd(10)}${one.decision}`);
  for (const reason of one.reasons) console.log(`             ${reason}`);
}
console.log(`portfolio_var ${shown(decided.portfolio_var)}`);
console.log(
  `hops in ms: ${Object.entries(decided.hops_ms)
    .map(([hop, ms]) => `${hop} ${ms}`)
    .join(', ')}`,
);
// 7. Whoever trades takes it from here: nothing was traded.
console.log(`passed: ${decided.executed.join(', ') || 'none'}`);
