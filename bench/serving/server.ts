// The ML engine in a process of its own, for benches that load it from outside; tells its port.
import definition from '../../engines/ml/index.ts';
import { TestEngine } from '../../test/support/engine.ts';

const engine = await TestEngine.start(definition, { NAUTILUS_MODELS_DIR: process.argv[2]! });
process.on('disconnect', () => void engine.stop().then(() => process.exit()));
process.send!({ url: engine.url });
