"""Asks an engine what boto3 would ask AWS, for the end-to-end run.

    python3 ask.py PORT ENDPOINT

POST /SERVICE/OPERATION with the parameters as JSON is answered with the answer as JSON. One process
serves a whole run, because the AWS CLI takes most of a second of a processor to start.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
from botocore.config import Config

making = threading.Lock()  # boto3 makes clients one at a time; a client may be used by many threads
clients = {}


def client(service):
    with making:
        if service not in clients:
            config = Config(max_pool_connections=20, read_timeout=300, retries={"total_max_attempts": 1})
            clients[service] = boto3.client(service, endpoint_url=sys.argv[2], config=config)
        return clients[service]


class Asking(BaseHTTPRequestHandler):
    def do_POST(self):
        _, service, operation = self.path.split("/")
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            status, answer = 200, getattr(client(service), operation)(**(json.loads(body) or {}))
        except Exception as refusal:  # of the engine, or of boto3
            status, answer = 400, str(refusal)
        text = json.dumps(answer, default=str).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Asking).serve_forever()
