"""Runs the functions that LocalStack has deployed as processes of this machine, without Docker.

LocalStack asks its plug-ins for a runtime executor. LAMBDA_RUNTIME_EXECUTOR=process and this folder
on PYTHONPATH choose this one. It serves each execution environment the Runtime API
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html), which is all that a function for
provided.al2023 needs.
"""

import json
import os
import queue
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from plux import Plugin

INIT_SECONDS = 10  # https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html


class Environment(ThreadingHTTPServer):
    """One process of a function and the Runtime API that it asks for its work."""

    daemon_threads = True

    def __init__(self, folder, variables, seconds):
        super().__init__(("127.0.0.1", 0), RuntimeAPI)
        self.seconds = seconds
        self.asked = threading.Event()  # the process has asked for its first event
        self.waiting = queue.Queue()  # invocations for the process
        self.answers = queue.Queue()  # pairs of "it failed" and the body
        self.log = tempfile.TemporaryFile()
        threading.Thread(target=self.serve_forever, daemon=True).start()
        variables["AWS_LAMBDA_RUNTIME_API"] = f"127.0.0.1:{self.server_port}"
        self.process = subprocess.Popen(
            [os.path.join(folder, "bootstrap")], cwd=folder, env=variables, stdout=self.log, stderr=self.log
        )

    def started(self):
        """Waits until the process asks for work. Returns the body of its failure, else None."""
        deadline = time.time() + INIT_SECONDS
        while time.time() < deadline and self.process.poll() is None:
            if self.asked.wait(0.02):
                return None
        if not self.answers.empty():
            return self.answers.get()[1]
        return failure("Runtime.ExitError", "the process ended or hung before its first event")

    def invoke(self, payload):
        """Returns whether the invocation failed, its answer, and what it logged."""
        start = os.fstat(self.log.fileno()).st_size
        deadline = time.time() + self.seconds
        self.waiting.put((payload, deadline))
        failed, body = self.answer(deadline)
        log = os.pread(self.log.fileno(), 1 << 24, start)
        return failed, body, log.decode(errors="replace")

    def answer(self, deadline):
        while True:
            try:
                return self.answers.get(timeout=0.05)
            except queue.Empty:
                pass
            if self.process.poll() is not None:
                return True, failure("Runtime.ExitError", f"exit status {self.process.returncode}")
            if time.time() > deadline:
                self.process.kill()
                return True, failure("Sandbox.Timedout", f"Task timed out after {self.seconds} seconds")

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.shutdown()
        self.server_close()
        self.log.close()


class RuntimeAPI(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):  # /2018-06-01/runtime/invocation/next
        self.server.asked.set()
        payload, deadline = self.server.waiting.get()
        self.send(200, payload["payload"].encode(), {
            "Lambda-Runtime-Aws-Request-Id": payload["invoke-id"],
            "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": payload["invoked-function-arn"],
            "Lambda-Runtime-Trace-Id": payload["trace-id"],
        })

    def do_POST(self):  # …/invocation/ID/response, …/invocation/ID/error, …/runtime/init/error
        self.server.answers.put((self.path.endswith("/error"), self.body()))
        self.send(202, b'{"status":"OK"}', {})

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"]))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def send(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def failure(kind, message):
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


class ProcessExecutorPlugin(Plugin):
    namespace = "localstack.lambda.runtime_executor"
    name = "process"

    def load(self, *args, **kwargs):
        # LocalStack is importable only once it runs.
        from localstack import config
        from localstack.services.lambda_.invocation.execution_environment import ExecutionEnvironment
        from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
        from localstack.services.lambda_.invocation.lambda_models import InvocationResult
        from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

        # AWS writes logs to the group of LoggingConfig, LocalStack always to the default one
        # (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html).
        default_group = ExecutionEnvironment.get_log_group_name

        def configured_group(environment):
            logging = environment.function_version.config.logging_config
            return logging.get("LogGroup") or default_group(environment)

        ExecutionEnvironment.get_log_group_name = configured_group

        class ProcessExecutor(RuntimeExecutor):
            environment = None

            def start(self, env_vars):
                folder = str(self.function_version.config.code.get_unzipped_code_location())
                variables = {name: str(value) for name, value in env_vars.items() if not name.startswith("LOCALSTACK_")}
                variables["LAMBDA_TASK_ROOT"] = folder
                # A process of this machine has no /opt of its own: its layers stay where they were unpacked.
                for layer in self.function_version.config.layers:
                    unpacked = layer.code.get_unzipped_code_location()
                    for name, value in variables.items():
                        if value.startswith("/opt/") and (unpacked / value.removeprefix("/opt/")).exists():
                            variables[name] = str(unpacked / value.removeprefix("/opt/"))
                # The recorder of requests tells the functions apart by it.
                variables["AWS_SDK_UA_APP_ID"] = self.function_version.id.function_name[:50]
                if endpoint := os.environ.get("FUNCTIONS_ENDPOINT_URL"):
                    variables["AWS_ENDPOINT_URL"] = endpoint
                self.environment = Environment(folder, variables, self.function_version.config.timeout)
                error = self.environment.started()
                if error is not None:
                    raise StatusErrorException("the function did not start", payload=error)

            def stop(self):
                if self.environment:
                    self.environment.stop()

            def invoke(self, payload):
                failed, body, log = self.environment.invoke(payload)
                return InvocationResult(payload["invoke-id"], body, is_error=failed, logs=log)

            def get_logs(self):
                return ""

            def get_address(self):
                return "127.0.0.1"

            get_endpoint_from_executor = get_address

            def get_runtime_endpoint(self):
                return f"http://127.0.0.1:{config.GATEWAY_LISTEN[0].port}"

            @classmethod
            def prepare_version(cls, function_version):
                code = function_version.config.code
                code.prepare_for_execution()
                for layer in function_version.config.layers:
                    layer.code.prepare_for_execution()
                (code.get_unzipped_code_location() / "bootstrap").chmod(0o755)

            @classmethod
            def cleanup_version(cls, function_version):
                function_version.config.code.destroy_cached()

        return ProcessExecutor
