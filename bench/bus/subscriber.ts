// One subscriber of the bus bench in its own process, on the hub or Redis: counts what arrives and sends pings back.
import { Bus } from '../../src/bus/client.ts';
import { attachSubscriber, transportTo } from './traffic.ts';

const [place, name] = process.argv.slice(2) as [string, string];
const bus = new Bus(name, transportTo(place, name));
await attachSubscriber(bus, name, (count) => process.send?.({ received: count }));
process.on('disconnect', () => process.exit(0));
process.send?.({ ready: true });
