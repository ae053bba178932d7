#!/bin/sh
# An audit of an instance from this machine, without AWS. The program behind it only
# reads Databrain, and takes the service token from a prompt, a pipe or
# DATABRAIN_SERVICE_TOKEN, never from the command line. -help prints its options.
#
#   DATABRAIN_BASE_URL=https://databrain.example.com sh scripts/audit.sh
#
# It ends with status 0 if all was read and no finding reaches -fail-on (high), 3 if one
# does, 4 if something could not be read, 1 if the audit failed.
exec sh "$(dirname "$0")/unseen.sh" audit "$@"
