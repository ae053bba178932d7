"""The least loop over the Lambda Runtime API that a Python function needs."""

import http.client
import json
import os

from rotate import handler

API = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
PREFIX = "/2018-06-01/runtime/invocation/"


def call(method, path, body=None):
    API.request(method, PREFIX + path, body)
    response = API.getresponse()
    return response.headers, response.read()


while True:
    headers, event = call("GET", "next")
    request_id = headers["Lambda-Runtime-Aws-Request-Id"]
    try:
        answer = json.dumps(handler(json.loads(event), None))
        call("POST", request_id + "/response", answer)
    except Exception as error:
        report = {"errorType": type(error).__name__, "errorMessage": str(error)}
        call("POST", request_id + "/error", json.dumps(report))
