#!/bin/sh
# wait.sh FILE: opens the gate in FILE and waits. Exits 0 once it is approved, 1 if it ended in any other way; taken back
# if the pipeline is stopped.
set -eu
gate=$(kubectl create -f "$1" -o jsonpath='{.metadata.name} -n {.metadata.namespace}')
echo "waiting for an approval: kubectl get approval $gate"
# shellcheck disable=SC2086 # the name and its namespace are words of their own
kubectl wait approval $gate --for=condition=Decided --timeout=2160h &
waiting=$!
trap 'kill $waiting; kubectl patch approval $gate --type=merge -p "{\"spec\":{\"withdrawn\":true}}"; exit 1' INT TERM HUP
wait $waiting
# shellcheck disable=SC2086
kubectl get approval $gate -o jsonpath='{.status.message}{"\n"}'
# shellcheck disable=SC2086
test "$(kubectl get approval $gate -o jsonpath='{.status.state}')" = Approved
