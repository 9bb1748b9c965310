// Who may call which route: the one table of rights, by engine. GET and HEAD need `read` unless it says otherwise; every
// other route has to be listed, and what is not listed needs `admin`.
import type { Role } from './api-keys.ts';

/** `open` needs no key. */
export type Access = 'open' | Role;

/** Routes as `METHOD /pattern`, with parameters as `:name`. */
export type AccessTable = Readonly<Record<string, Access>>;

/** Routes that every engine has. They are also free of limits: whoever watches the engines needs an answer. */
export const COMMON_ACCESS: AccessTable = { 'GET /health': 'open', 'GET /ready': 'open' };

/** All kernels of an engine, whose routes differ in the last part only. */
export const KERNELS = 'POST /kernels/:id';

/** Routes of each engine. A POST that only computes is `read`; what changes limits or stored data is `admin`. */
export const ACCESS: Readonly<Record<string, AccessTable>> = {
  analytics: { 'POST /analytics/calculate/:id': 'read', [KERNELS]: 'read' },
  risk: {
    [KERNELS]: 'read',
    'POST /risk/check/:portfolio_id': 'read',
    'POST /risk/var/:portfolio_id': 'read',
    'POST /risk/validate-predictions': 'read',
    'PUT /limits/:portfolio_id': 'admin',
  },
  factor: { 'POST /factors/compute': 'read' },
  ml: {
    [KERNELS]: 'read',
    'POST /predict': 'read',
    'POST /predict/batch': 'read',
    'POST /predict/neural-engine': 'read',
    'POST /predict/metal-gpu': 'read',
    'POST /predict/hybrid': 'read',
    'POST /datasets': 'admin',
    // It may store a table.
    'POST /features/engineer': 'admin',
    'POST /features/selection': 'read',
    'DELETE /datasets/:dataset_id': 'admin',
    'POST /models/:model_id/train': 'admin',
    'POST /models/:model_id/validate': 'admin',
    'POST /models': 'admin',
    'PUT /models/:model_id': 'admin',
    'DELETE /models/:model_id': 'admin',
    'POST /models/:model_id/versions': 'admin',
    'PUT /models/:model_id/versions/:version': 'admin',
    'POST /models/:model_id/versions/:version/convert': 'admin',
    // What serves makes trades.
    'POST /models/:model_id/deploy': 'trade',
    'POST /models/:model_id/rollback': 'trade',
    'POST /automl/start': 'admin',
    'POST /automl/deploy/:job_id': 'trade',
    'POST /hyperopt/start': 'admin',
    // They divide what serves, and may deploy.
    'POST /experiments': 'trade',
    'POST /experiments/:experiment_id/outcomes': 'trade',
    'POST /experiments/:experiment_id/ramp': 'trade',
    'POST /experiments/:experiment_id/stop': 'trade',
    'POST /experiments/:experiment_id/promote': 'trade',
    'POST /experiments/:experiment_id/rollback': 'trade',
    'POST /predict/stream': 'read',
    // Strategies trade on what is published.
    'POST /predict/publish': 'trade',
    // Others act on what is told as decided.
    'POST /decisions': 'trade',
    'POST /drift': 'read',
    'POST /quality': 'read',
    'PUT /monitors/:model_id': 'admin',
    'DELETE /monitors/:model_id': 'admin',
    // What is said to have happened may train a model again, and let it serve.
    'POST /monitors/:model_id/outcomes': 'trade',
    'POST /monitors/:model_id/check': 'trade',
    'DELETE /jobs/:id': 'trade',
  },
  features: { 'POST /indicators/:name': 'read' },
  websocket: {
    // The files of the page are the same everywhere and hold no data; a browser asks for a key only once it has them.
    'GET /': 'open',
    'GET /console/:file': 'open',
  },
  strategy: {
    'POST /deployments': 'trade',
    'DELETE /deployments/:id': 'trade',
    'POST /orders': 'trade',
    'DELETE /orders/:order_id': 'trade',
  },
  marketdata: {
    'POST /bars/import': 'admin',
    'POST /import': 'admin',
    'POST /replays': 'trade',
    'POST /replays/queue': 'trade',
    'DELETE /replays/:id': 'trade',
    'POST /replay': 'trade',
    'PATCH /replay/:id': 'trade',
    'DELETE /replay/:id': 'trade',
    'DELETE /jobs/:id': 'trade',
    // Its address may be any, and strategies trade on what comes from there.
    'PUT /sources/:id': 'admin',
    'POST /ingest/:id': 'admin',
    'POST /subscriptions': 'trade',
    'DELETE /subscriptions/:id': 'trade',
  },
  portfolio: { 'POST /portfolios': 'trade', 'POST /portfolios/optimize/minimum-variance': 'read' },
};

/** The right that a request needs, and the pattern of its route as far as the table knows it. */
export interface Right {
  readonly access: Access;
  readonly pattern: string;
  /** Whether it changes something, so that it belongs in the audit log. */
  readonly changes: boolean;
}

interface Rule extends Right {
  readonly method: string;
  readonly parts: readonly string[];
}

const READ: Right = { access: 'read', pattern: 'unmatched', changes: false };
const UNKNOWN: Right = { access: 'admin', pattern: 'unmatched', changes: true };

/** Returns the right that a route needs, by its pattern. */
export function accessOf(engine: string, method: string, pattern: string): Access {
  const isGet = method === 'GET' || method === 'HEAD';
  const route = `${isGet ? 'GET' : method} ${pattern}`;
  return COMMON_ACCESS[route] ?? ACCESS[engine]?.[route] ?? (isGet ? 'read' : 'admin');
}

/** Returns what tells the right that a method and path of one engine need. */
export function rightsOf(engine: string): (method: string, path: string) => Right {
  const rules: Rule[] = Object.entries({ ...COMMON_ACCESS, ...ACCESS[engine] }).map(([route, access]) => {
    const [method, pattern] = route.split(' ') as [string, string];
    const isGet = method === 'GET';
    const changes = !isGet && access !== 'read';
    return { access, pattern, changes, method, parts: pattern.split('/') };
  });
  return (method, path) => {
    const isGet = method === 'GET' || method === 'HEAD';
    const verb = isGet ? 'GET' : method;
    const parts = path.split('/');
    const rule = rules.find((r) => r.method === verb && matches(r.parts, parts));
    return rule ?? (isGet ? READ : UNKNOWN);
  };
}

// The path is compared as it was sent: one in another spelling (an escaped letter) finds no rule, and so no less than
// the strictest right.
function matches(pattern: readonly string[], path: readonly string[]): boolean {
  return (
    pattern.length === path.length &&
    pattern.every((part, i) => (part.startsWith(':') ? path[i] !== '' : part === path[i]))
  );
}
