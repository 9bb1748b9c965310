// A process that converts one file of another library to ONNX and ends: the engine answers meanwhile, whatever the file holds.
// Standard input: header and file. Standard output: header and ONNX.
import { NautilusError } from '../../../src/core/errors.ts';
import { limitMemory } from '../../../src/core/memory-limit.ts';
import { importTrees } from '../../../src/learning/import/index.ts';
import { encodeModel } from '../../../src/onnx/graph.ts';
import type { NotConverted } from './import.ts';
import { framed, unframed } from './one-task.ts';

async function answer(): Promise<readonly [object, Uint8Array]> {
  const { header, bytes } = unframed<Parameters<typeof importTrees>[1]>(await Bun.stdin.bytes());
  const { model, ...converted } = importTrees(bytes, header);
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
await Bun.write(Bun.stdout, framed(said, [model]));
process.exit(0);
