// Requests that no client library sends: the head is written to the socket as it is.
import { connect } from 'node:net';

/** Sends a request line with headers (without the last empty line) and returns everything that came until the end. */
export function rawRequest(url: string, head: string): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
      socket.write(`${head}\r\n\r\n`);
    });
    socket.on('data', (data) => {
      text += data;
    });
    socket.on('close', () => resolve(text));
  });
}
