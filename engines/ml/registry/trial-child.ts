// A process that loads one model, asks it for some rows and ends: whatever the model does, it happens to nobody else.
// Standard input: header, inputs (float32), files of a variant, model. Standard output: one line of JSON.
import { NautilusError } from '../../../src/core/errors.ts';
import { limitMemory } from '../../../src/core/memory-limit.ts';
import { openSession } from '../../../src/onnx/session.ts';
import { isText } from '../../../src/text/bundle.ts';
import { openTextSession } from '../../../src/text/session.ts';
import { unframed } from './one-task.ts';
import { toText } from './probe.ts';
import type { TrialAnswer, TrialHeader } from './trial.ts';

async function answer(): Promise<TrialAnswer> {
  const { header, bytes: all } = unframed<TrialHeader>(await Bun.stdin.bytes());
  const { rows, columns, input, output, provider, files = [] } = header;
  const inputs = new Float32Array(all.slice(0, 4 * rows * columns).buffer);
  let at = inputs.byteLength;
  const variant = files.map((file) => {
    at += file.bytes;
    return { rows: file.rows, bytes: all.subarray(at - file.bytes, at) };
  });
  const options = { input, output, provider, ...(variant.length > 0 && { variant }) };
  const model = all.subarray(at);
  const session = isText(model) ? await openTextSession(model) : await openSession(model, options);
  const outputs = await session.predict(inputs, rows);
  return { outputs: toText(outputs), provider: session.ranOn(outputs).provider };
}

limitMemory(Number(process.argv[2]));
const said = await answer().catch((error): TrialAnswer => {
  const known = error instanceof NautilusError;
  return { error: known ? error.message : 'Expected a model that loads', status: known ? error.status : 422 };
});
await Bun.write(Bun.stdout, JSON.stringify(said));
// Threads of the runtime would keep the process up.
process.exit(0);
