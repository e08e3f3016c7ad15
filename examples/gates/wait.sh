#!/bin/sh
# wait.sh FILE: opens the gate in FILE and waits. Exits 0 once it is approved, 1 if it ended in any other way. A pipeline that
# is stopped takes its gate back, at whatever moment: so the name is chosen here, before the gate is there.
set -eu
gate=$(mktemp)
prefix=$(kubectl patch --local -f "$1" --type=merge -p '{}' -o jsonpath='{.metadata.generateName}')
name=$prefix$(od -An -N6 -tx1 /dev/urandom | tr -d ' ')
kubectl patch --local -f "$1" --type=merge -p "{\"metadata\":{\"name\":\"$name\",\"generateName\":null}}" -o yaml > "$gate"

decided=
waiting=
leave() {
  trap '' INT TERM HUP
  [ -z "$waiting" ] || kill "$waiting" 2> /dev/null || true
  for try in 1 2 3; do # a creation that was cut off may arrive a moment later
    [ -z "$decided" ] || break
    if kubectl patch -f "$gate" --type=merge -p '{"spec":{"withdrawn":true}}' 2> /dev/null; then break; fi
    [ "$try" -lt 3 ] || echo "$name was not taken back: if it is open, it waits until its timeout" >&2
    sleep 1
  done
  rm -f "$gate"
}
trap leave EXIT
trap 'exit 143' INT TERM HUP

kubectl create -f "$gate"
kubectl wait -f "$gate" --for=condition=Decided --timeout=2160h &
waiting=$!
wait "$waiting"
decided=yes
kubectl get -f "$gate" -o jsonpath='{.status.message}{"\n"}'
test "$(kubectl get -f "$gate" -o jsonpath='{.status.state}')" = Approved
