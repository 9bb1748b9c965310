# The rival of predictions on request: scikit-learn behind the HTTP server of Python's library. Prints its port, and ends with its
# standard input. The network is SMALL_NETWORK of bench/serving/models.ts.
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rival_network import small_network

network = small_network()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A reply of two packets would wait for the client's acknowledgement of the first.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        body = json.dumps({"predictions": network(asked["inputs"]).tolist(), "hardware_used": "cpu", "where": "in_process"}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
