"""Whether somebody leads, for all namespaces or for those of each shard, and who would take over. Pure."""

from pratique.doctor.facts import Facts, Json, Leader
from pratique.doctor.findings import Finding, Level

_SHARDS = "docs/guides/sharding.md"


def judge_replicas(facts: Facts) -> list[Finding]:
    """Say of each Deployment of the operator how many of it are ready."""
    return [_replicas(facts, each, named=len(facts.deployments) > 1) for each in facts.deployments]


def _replicas(facts: Facts, deployment: Json, *, named: bool) -> Finding:
    status, wanted = deployment.get("status", {}), deployment["spec"].get("replicas", 1)
    ready = status.get("readyReplicas", 0)
    of = f" of {deployment['metadata']['name']}" if named else ""
    look = f"kubectl describe pods -n {facts.namespace} -l app.kubernetes.io/component=operator"
    if ready < wanted:
        level = Level.PROBLEM if not ready else Level.WARNING
        return Finding(level, "replicas", f"{ready} of {wanted}{of} are ready", look)
    if wanted < 2:
        text = f"one replica{of}: while it is moved, nothing is decided"
        return Finding(Level.WARNING, "replicas", text, "set replicaCount to 2 or more")
    return Finding(Level.OK, "replicas", f"{ready} of {wanted}{of} are ready")


def judge_leaders(facts: Facts) -> list[Finding]:
    """Say who leads; of several shards, which has no leader, and whether two numbers of them are there."""
    if not facts.shards:
        return [_judge(facts, facts.leader, "pratique", "nothing is decided")]
    lease = facts.leader
    acts = lease.holder.rpartition("_")[0] if lease is not None and _is_alive(facts, lease) else ""
    acting = [each for each in facts.shards if each[0].layout == acts] if acts else list(facts.shards)
    found = [
        _judge(facts, leader, shard.lease_name, f"nothing of the namespaces of shard {shard} is decided")
        for shard, leader in acting
    ] or [_judge(facts, lease, "pratique", "nothing is decided")]
    numbers = sorted({shard.of for shard, _ in facts.shards} | ({1} if acts and not acting else set()))
    if len(numbers) > 1:
        several = " and ".join(map(str, numbers))
        text = f"there are processes for {several} shards: those of one number act, the others stand by"
        found.append(Finding(Level.WARNING, "shards", text, f"end those of the old number: {_SHARDS}"))
    return found


def _is_alive(facts: Facts, lease: Leader) -> bool:
    if not lease.holder or lease.renewed_at is None:
        return False
    return (facts.now - lease.renewed_at).total_seconds() <= lease.seconds


def _judge(facts: Facts, lease: Leader | None, name: str, follows: str) -> Finding:
    where = f"kubectl get pods -n {facts.namespace}"
    if lease is None or not lease.holder or lease.renewed_at is None:
        text = f"no process leads: {follows}, told or ended (Lease {facts.namespace}/{name})"
        return Finding(Level.PROBLEM, "leader", text, f"start the operator, or look why it does not lead: {where}")
    silent = int((facts.now - lease.renewed_at).total_seconds())
    if silent > lease.seconds:
        text = f"{lease.holder} has led and is silent for {silent} s: {follows}, told or ended"
        return Finding(Level.PROBLEM, "leader", text, f"look why no process takes over: {where}")
    return Finding(Level.OK, "leader", f"{lease.holder}")
