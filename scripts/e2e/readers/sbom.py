"""Reads bills of materials as others do.

sbom.py FILE: validates a bill by the published schema of CycloneDX 1.6 and prints its
components, one "name version" on a line.
"""

import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

with open(sys.argv[1], encoding="utf-8") as file:
    text = file.read()
fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
if fault:
    sys.exit(f"{sys.argv[1]}: {fault}")
for component in json.loads(text)["components"]:
    print(component["name"], component["version"])
