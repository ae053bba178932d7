"""Reads findings.ocsf.json: ocsf.py models|schema FILE. Prints how many objects it took."""

import json
import sys

reader, path = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    objects = json.load(file)

if reader == "models":
    from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding

    def faults(document):
        try:
            ComplianceFinding.model_validate(document)
        except ValueError as error:
            yield error

else:
    import jsonschema
    from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema("1.6.0")).get_class_schema("compliance_finding")
    faults = jsonschema.validators.validator_for(schema)(schema).iter_errors

bad = [(i, fault) for i, document in enumerate(objects) for fault in faults(document)]
for i, fault in bad[:5]:
    print(f"object {i}: {fault}", file=sys.stderr)
if bad:
    sys.exit(1)

# What a reader takes in any form proves nothing.
spoilt = json.loads(json.dumps(objects[0]))
del spoilt["finding_info"]["uid"]
if not list(faults(spoilt)):
    sys.exit("an object without its identity is taken too")
print(len(objects))
