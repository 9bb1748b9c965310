// Entry of one engine's process: `bun src/main.ts <engine>`, started by the supervisor with a bus to connect to.
import { runEngineProcess } from './cli/engine-process.ts';

await runEngineProcess(process.argv[2] ?? '');
