"""Judges imports into Security Hub: asff.py REQUESTS ENDPOINT.

botocore checks the body of each request against the service's model, and its signature by
signing the same request again. What the Security Hub at ENDPOINT then has goes to standard
output, by id.
"""

import copy
import json
import os
import sys

import boto3
import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.validate import ParamValidator

path, endpoint = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    requests = json.load(file)

operation = botocore.session.get_session().get_service_model("securityhub").operation_model("BatchImportFindings")
assert operation.http["requestUri"] == "/findings/import" and operation.http["method"] == "POST"


def faults(body):
    return ParamValidator().validate(body, operation.input_shape).generate_report()


# The values of enumerations and the lengths are in the model as texts alone; a shape that
# has an enumeration is looked up here, because the validator passes over it.
def enums(value, shape, place=""):
    if shape.type_name == "structure":
        for name, member in value.items():
            yield from enums(member, shape.members[name], f"{place}.{name}")
    elif shape.type_name == "list":
        for member in value:
            yield from enums(member, shape.member, place + "[]")
    elif shape.type_name == "string" and shape.enum and value not in shape.enum:
        yield f"{place} is {value}"


class Again(SigV4Auth):
    """Signs at the time that a request states."""

    def __init__(self, stamp, *args):
        super().__init__(*args)
        self.stamp = stamp

    def add_auth(self, request):
        request.context["timestamp"] = self.stamp
        canonical = self.canonical_request(request)
        return self.signature(self.string_to_sign(request, canonical), request)


keys = Credentials(os.environ["HUB_KEY"], os.environ["HUB_SECRET"], os.environ["HUB_TOKEN"])
for number, request in enumerate(requests):
    body = json.loads(request["Body"])
    for fault in [faults(body), *enums(body, operation.input_shape)]:
        if fault:
            sys.exit(f"request {number}: {fault}")
    if len(body["Findings"]) > 100 or len(request["Body"].encode()) > 6_000_000:
        sys.exit(f"request {number} is too large")
    headers = request["Headers"]
    authorization = headers["Authorization"]
    signed = authorization.split("SignedHeaders=")[1].split(",")[0].split(";")
    again = AWSRequest(
        "POST", request["URL"], {n: v for n, v in headers.items() if n.lower() in signed}, request["Body"].encode()
    )
    signature = Again(headers["X-Amz-Date"], keys, "securityhub", "us-east-1").add_auth(again)
    if "host" not in signed or authorization.split("Signature=")[1] != signature:
        sys.exit(f"request {number} is signed otherwise: {authorization}, {signature}")

# What a reader takes in any form proves nothing.
for spoil in [lambda f: f.pop("Title"), lambda f: f.update(Tittle="x"), lambda f: f.update(Title=1)]:
    spoilt = copy.deepcopy(json.loads(requests[0]["Body"]))
    spoil(spoilt["Findings"][0])
    if not faults(spoilt):
        sys.exit("a spoilt finding is taken too")

hub = boto3.client("securityhub", endpoint_url=endpoint, region_name="us-east-1")
shown = {}
for page in hub.get_paginator("get_findings").paginate():
    for finding in page["Findings"]:
        details = finding["Resources"][0]["Details"]["Other"]
        shown[finding["Id"]] = {
            "Title": finding["Title"],
            "State": finding["RecordState"],
            "Compliance": finding["Compliance"]["Status"],
            "Severity": finding["FindingProviderFields"]["Severity"]["Original"],
            "Fingerprint": details.get("fingerprint", ""),
            "Exception": finding["ProductFields"].get("databrain-token-audit/exception", ""),
        }
print(json.dumps(shown))
