// Writes small models of each family and their float16 and 8-bit variants into a folder, for scripts/golden/variants.py.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { networks, servedNetwork } from '../../src/learning/deep/test-networks.ts';
import { encodeModel } from '../../src/onnx/graph.ts';
import { makeHalf, makeInt8 } from '../../src/onnx/variants/make.ts';

const folder = process.argv[2]!;
mkdirSync(folder, { recursive: true });
for (const name of Object.keys(networks)) {
  const bytes = encodeModel(servedNetwork(name, 4));
  writeFileSync(join(folder, `${name}.onnx`), bytes);
  const [, batch] = makeHalf(bytes, 'golden').files;
  writeFileSync(join(folder, `${name}.float16.onnx`), batch!.bytes);
  if (!/rnn|gru|lstm/.test(name)) {
    writeFileSync(join(folder, `${name}.int8.onnx`), makeInt8(bytes, 'golden').files[0]!.bytes);
  }
}
