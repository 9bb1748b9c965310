// A process that converts one file of another library to ONNX and ends: the engine answers meanwhile, whatever the file holds.
// Standard input: length of the header (uint32), header (JSON), file. Standard output: length, JSON, ONNX.
import { NautilusError } from '../../../src/core/errors.ts';
import { limitMemory } from '../../../src/core/memory-limit.ts';
import { importTrees } from '../../../src/learning/import/index.ts';
import { encodeModel } from '../../../src/onnx/graph.ts';
import type { NotConverted } from './import.ts';

async function answer(): Promise<readonly [object, Uint8Array]> {
  const all = await Bun.stdin.bytes();
  const start = 4 + new DataView(all.buffer, all.byteOffset).getUint32(0, true);
  const { model, ...converted } = importTrees(
    all.subarray(start),
    JSON.parse(new TextDecoder().decode(all.subarray(4, start))),
  );
  return [{ converted }, encodeModel(model)];
}

function refusal(error: unknown): readonly [{ refused: NotConverted }, Uint8Array] {
  const known = error instanceof NautilusError;
  const { slug, status, title, message, extras } = known
    ? error
    : new NautilusError('invalid-model', 422, 'Invalid model', 'Expected a file that can be converted');
  return [{ refused: { slug, status, title, detail: message, extras } }, new Uint8Array()];
}

limitMemory(Number(process.argv[2]));
const [said, model] = await answer().catch(refusal);
const text = new TextEncoder().encode(JSON.stringify(said));
const length = new Uint8Array(new Uint32Array([text.length]).buffer);
await Bun.write(Bun.stdout, new Blob([length, text, model.slice()]));
process.exit(0);
