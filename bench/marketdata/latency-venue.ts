// The venue of the latency bench in a process of its own: sends the messages of the recorded futures at a rate, each with the time of its sending.
import { systemClock } from '../../src/core/clock.ts';
import { captureLines } from '../../test/support/captures.ts';

const lines = await captureLines('futures');
if (lines === null) throw new Error('Expected ../shared/data/captures beside the checkout');
const messages = lines.map((line) => line.slice(line.indexOf(' ')));

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (request, self) => (self.upgrade(request, { data: undefined }) ? undefined : new Response(null)),
  websocket: {
    async message(socket, text) {
      const { rate, count } = JSON.parse(String(text)) as { rate: number; count: number };
      const begunUs = systemClock.nowUs();
      for (let sent = 0; sent < count; ) {
        await Bun.sleep(1);
        const nowUs = systemClock.nowUs();
        const due = Math.min(count, Math.floor(((nowUs - begunUs) / 1e6) * rate));
        for (; sent < due; sent++) socket.send(nowUs + messages[sent]!);
      }
    },
  },
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port: server.port, messages: messages.length });
