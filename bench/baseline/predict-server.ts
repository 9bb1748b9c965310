// A plain server of predictions, in a process of its own: JSON in, the small network in loops over typed arrays, JSON out. Tells its URL.
import { SMALL_WIDTHS, smallParameters } from '../serving/models.ts';
import { PlainMlp } from './mlp.ts';

const network = new PlainMlp(SMALL_WIDTHS, smallParameters());

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  async fetch(request) {
    const { inputs } = (await request.json()) as { inputs: number[][] };
    const predictions = new Float32Array(inputs.length);
    network.predict(Float32Array.from(inputs.flat()), inputs.length, predictions);
    return Response.json({ predictions: [...predictions], hardware_used: 'cpu', where: 'in_process' });
  },
});
process.on('disconnect', () => process.exit());
process.send!({ url: `http://127.0.0.1:${server.port}` });
