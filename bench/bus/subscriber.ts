// One subscriber of the bus bench in its own process, on the hub: counts what arrives and sends pings back.
import { Bus } from '../../src/bus/client.ts';
import { HubTransport } from '../../src/bus/hub-client.ts';
import { attachSubscriber } from './traffic.ts';

const [socketPath, name] = process.argv.slice(2) as [string, string];
const bus = new Bus(name, new HubTransport({ socketPath, name }));
await attachSubscriber(bus, name, (count) => process.send?.({ received: count }));
process.on('disconnect', () => process.exit(0));
process.send?.({ ready: true });
