"""A rotation function in Python, as teams write it: boto3, clients made once at the
cold start. It makes the same requests as the Go function in a rotation without
faults, but each after the other, so that the two can be measured side by side. It lacks what makes a rotation
safe to repeat; do not use it.
"""

import json
import os
import uuid

import boto3
import urllib3

SECRETS = boto3.client("secretsmanager")
HTTP = urllib3.PoolManager(retries=False, timeout=10)
BASE = os.environ["DATABRAIN_BASE_URL"]
ADMIN = os.environ["DATABRAIN_ADMIN_SECRET_ID"]


def handler(event, _context):
    secret, version = event["SecretId"], event["ClientRequestToken"]
    description = SECRETS.describe_secret(SecretId=secret)
    if not description.get("RotationEnabled"):
        raise ValueError("rotation is not enabled")
    stages = description["VersionIdsToStages"]
    if "AWSCURRENT" in stages.get(version, []):
        return
    if "AWSPENDING" not in stages.get(version, []):
        raise ValueError("the version is not pending")
    current = next(v for v, labels in stages.items() if "AWSCURRENT" in labels)
    step = {"createSecret": create, "setSecret": set_token, "testSecret": test, "finishSecret": finish}
    step[event["Step"]](secret, version, current)


def create(secret, version, current):
    document = read(secret, current, "AWSCURRENT")
    try:
        read(secret, version, "AWSPENDING")
    except SECRETS.exceptions.ResourceNotFoundException:
        document["token"] = str(uuid.uuid4())
        SECRETS.put_secret_value(
            SecretId=secret, ClientRequestToken=version,
            SecretString=json.dumps(document), VersionStages=["AWSPENDING"])


def set_token(secret, version, current):
    pending = read(secret, version, "AWSPENDING")["token"]
    if accepts(pending):
        return
    if not accepts(read(secret, current, "AWSCURRENT")["token"]):
        raise ValueError("the current token is rejected")
    # May this function move a label at all? This one is there already.
    SECRETS.update_secret_version_stage(
        SecretId=secret, VersionStage="AWSPENDING",
        MoveToVersionId=version, RemoveFromVersionId=version)
    admin = json.loads(SECRETS.get_secret_value(SecretId=ADMIN)["SecretString"])
    signed_in = post("/api/v2/admin-account/jwt", admin)
    jwt = signed_in["data"]["accessToken"]
    post("/api/v2/service-token", {"token": pending}, jwt)
    if not accepts(pending):
        raise ValueError("the new token is rejected")


def test(secret, version, _current):
    if not accepts(read(secret, version, "AWSPENDING")["token"]):
        raise ValueError("the new token is rejected")


def finish(secret, version, current):
    pending = read(secret, version, "AWSPENDING")["token"]
    if pending == read(secret, current, "AWSCURRENT")["token"]:
        raise ValueError("the new token is the old one")
    if not accepts(pending):
        raise ValueError("the new token is rejected")
    SECRETS.update_secret_version_stage(
        SecretId=secret, VersionStage="AWSCURRENT",
        MoveToVersionId=version, RemoveFromVersionId=current)


def read(secret, version, stage):
    value = SECRETS.get_secret_value(SecretId=secret, VersionId=version, VersionStage=stage)
    return json.loads(value["SecretString"])


def accepts(token):
    url = BASE + "/api/v2/data-app?isPagination=true&pageNumber=1"
    return HTTP.request("GET", url, headers={"Authorization": "Bearer " + token}).status == 200


def post(path, body, token=None):
    headers = {"Authorization": "Bearer " + token} if token else {}
    response = HTTP.request("POST", BASE + path, json=body, headers=headers)
    if response.status != 200:
        raise ValueError("status %d" % response.status)
    return response.json()
