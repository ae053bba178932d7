#!/bin/sh
# What an operator does with the secrets by hand: see which token works, store a
# token or the admin's password, take AWSPENDING off. The program behind it asks
# Databrain before it writes, and reads what is secret from a prompt or a pipe, never
# from the command line.
#
#   DATABRAIN_BASE_URL=https://databrain.example.com sh scripts/secret.sh which SECRET
exec sh "$(dirname "$0")/unseen.sh" secret "$@"
