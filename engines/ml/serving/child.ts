// A process that runs models for the ML engine: opens them, warms them up, and runs rows out of shared memory. It serves no port.
import { readFileSync, writeFileSync } from 'node:fs';
import { answerOrders } from '../../../src/core/child-work.ts';
import { NautilusError } from '../../../src/core/errors.ts';
import { InvalidModelError, ModelIntegrityError } from '../../../src/onnx/errors.ts';
import { type ModelSession, openSession } from '../../../src/onnx/session.ts';
import { isText } from '../../../src/text/bundle.ts';
import { openTextSession, type TextSession } from '../../../src/text/session.ts';
import { NICENESS, WHOLE_ROWS } from './limits.ts';
import type { ChildReply, ChildRequest, LoadRequest } from './messages.ts';
import { probeOf, profileOf } from './profile.ts';
import { openSharedMemory } from './shared-memory.ts';

const memory = openSharedMemory(process.argv[3]!);
const sessions = new Map<string, ModelSession | TextSession>();

async function answer(request: ChildRequest): Promise<ChildReply | undefined> {
  switch (request.type) {
    case 'load':
      return load(request);
    case 'run': {
      const session = sessions.get(request.key)!;
      const inputs = memory.inputs.subarray(0, request.rows * session.input.columns);
      const output = await session.predict(inputs, request.rows);
      if (output.length > memory.outputs.length)
        throw new InvalidModelError(`Expected at most ${memory.outputs.length} numbers of one run`);
      memory.outputs.set(output);
      return { type: 'done', values: output.length, provider: session.ranOn(output) };
    }
    case 'close': {
      const session = sessions.get(request.key);
      sessions.delete(request.key);
      await session?.close();
      return undefined;
    }
  }
}

async function load({
  key,
  file,
  variant,
  input,
  output,
  columns,
  provider,
  maxRows,
  measure,
}: LoadRequest): Promise<ChildReply> {
  // The engine has checked the rows, and a model may well read NaN.
  const fixed = variant.map((one) => ({ rows: one.rows, bytes: readFileSync(one.file) }));
  const options = { input, output, provider, finite: false, ...(fixed.length > 0 && { variant: fixed }) };
  const bytes = readFileSync(file);
  const session = isText(bytes) ? await openTextSession(bytes) : await openSession(bytes, options);
  try {
    if (session.input.columns !== columns)
      throw new ModelIntegrityError(`Expected a graph that takes the ${columns} inputs of its card`);
    const warm = await session.predict(probeOf(session, 2), 2);
    const profile = measure ? await profileOf(session, maxRows, WHOLE_ROWS) : null;
    sessions.set(key, session);
    return { type: 'loaded', provider: session.ranOn(warm), width: warm.length / 2, profile };
  } catch (error) {
    await session.close();
    throw error;
  }
}

function known(error: unknown): NautilusError {
  return error instanceof NautilusError ? error : new InvalidModelError('Expected a model that runs', error);
}

// Where memory runs out, the system ends this process before any other.
try {
  writeFileSync('/proc/self/oom_score_adj', '1000');
} catch {
  // Only Linux has it.
}
answerOrders<ChildRequest, ChildReply>(
  (request) =>
    answer(request).catch((error) => {
      throw known(error);
    }),
  NICENESS,
);
