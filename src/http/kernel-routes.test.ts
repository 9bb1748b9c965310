// Kernels over HTTP: the numbers of a direct call, shapes read off the arrays, refusals with pointers into the body.
import { describe, expect, test } from 'bun:test';
import { Elysia } from 'elysia';
import { exampleCall } from '../native/example-call.ts';
import {
  gemm,
  KERNELS,
  type Kernel,
  mcOption,
  type NativeArray,
  pool,
  shapeOf,
  solveSpd,
} from '../native/index.ts';
import { decodeCall, encodeOutputs, jsonName } from './kernel-json.ts';
import { bodySchema, kernelRoutes } from './kernel-routes.ts';

const app = new Elysia().use(kernelRoutes('test', [gemm, solveSpd], 1000));

async function post(
  id: string,
  body: unknown,
  to: Pick<typeof app, 'handle'> = app,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const reply = await to.handle(
    new Request(`http://localhost/kernels/${id}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  );
  const text = await reply.text();
  return { status: reply.status, body: text.startsWith('{') ? JSON.parse(text) : { text } };
}

/** A flat array nested by its shape. */
function nested(values: NativeArray, lengths: readonly number[]): unknown {
  if (lengths.length <= 1) return [...values];
  const stride = lengths.slice(1).reduce((product, side) => product * side, 1);
  return Array.from({ length: lengths[0]! }, (_, i) =>
    nested(values.subarray(i * stride, (i + 1) * stride), lengths.slice(1)),
  );
}

describe('a kernel over HTTP', () => {
  test('takes nested arrays, reads the sizes off them and answers in the same form', async () => {
    const { status, body } = await post('gemm', {
      a: [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      b: [
        [1, 0, 2],
        [0, 1, 3],
      ],
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ kernel: 'gemm', hardware_used: 'cpu' });
    expect(body.outputs).toEqual({
      out: [
        [1, 2, 8],
        [3, 4, 18],
        [5, 6, 28],
      ],
    });
  });

  test('takes null for NaN and gives null for what is no number', async () => {
    const { body } = await post('gemm', { a: [[null, 1]], b: [[1], [1]] });
    expect(body.outputs).toEqual({ out: [[null]] });
  });

  test('refuses unknown members, ragged arrays, texts and sizes that contradict the arrays', async () => {
    const good = { a: [[1, 2]], b: [[1], [2]] };
    expect((await post('gemm', { ...good, extra: 1 })).status).toBe(422);
    for (const bad of [{ a: [[1, 2], [3]] }, { a: [[1, 'x']] }, { a: [1, 2] }, { b: [[1]] }, { m: 5 }]) {
      expect(() => run({ ...good, ...bad })).toThrow();
    }
    const pointerOf = (bad: object) => {
      try {
        run({ ...good, ...bad });
      } catch (error) {
        return (error as { extras: { errors: { pointer: string }[] } }).extras.errors[0]!.pointer;
      }
      return null;
    };
    expect(pointerOf({ a: [[1, 2], [3]] })).toBe('/a/1');
    expect(pointerOf({ a: [[1, 'x']] })).toBe('/a/0/1');
    expect(pointerOf({ a: 7 })).toBe('/a');
  });

  test('stops work at its deadline and answers 504', async () => {
    const app = new Elysia().use(kernelRoutes('test', [mcOption], 20));
    // Minutes on any machine: only a kernel that stops lets the test end.
    const body = { grid_times: 0, grid_spots: 0, paths: 2 ** 31 - 1, steps: 1000, spot: 100, strike: 100 };
    const { status, body: problem } = await post('mc_option', body, app);
    expect(status).toBe(504);
    expect(JSON.stringify(problem)).toContain('Expected mc_option to end within 20 ms');
  });

  for (const kernel of KERNELS) {
    const { def } = kernel;
    test(`${def.id} answers what a direct call does`, async () => {
      const call = exampleCall(def);
      const body: Record<string, unknown> = {};
      for (const [name, value] of Object.entries(call)) {
        const spec = def.arrays[name];
        body[jsonName(name)] = spec ? nested(value as NativeArray, shapeOf(def, spec, call)) : value;
      }
      expect(bodySchema(def).safeParse(body)).toMatchObject({ success: true });
      const decoded = decodeCall(def, body, pool.scope());
      const direct = (kernel as unknown as (call: object) => Record<string, unknown>)(call);
      const over = await (kernel as unknown as Kernel).auto(decoded as never);
      expect(encodeOutputs(def, decoded, over as never)).toEqual(encodeOutputs(def, call, direct));
    });
  }
});

function run(body: Record<string, unknown>) {
  return gemm(decodeCall(gemm.def, body, pool.scope()) as never);
}
