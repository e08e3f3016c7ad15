"""Objects with a value planted in each, and everything that an API server may refuse about them while printing them."""

from typing import Any

from tests.support.planted import planted

Json = dict[str, Any]
WORKLOAD = ("spec", "template", "spec")
KINDS = {
    "secret": ("v1", "Secret", "secrets"),
    "config": ("v1", "ConfigMap", "configmaps"),
    "deploy": ("apps/v1", "Deployment", "deployments"),
    "job": ("batch/v1", "Job", "jobs"),
    "pod": ("v1", "Pod", "pods"),
    "thing": ("refusals.example/v1", "Thing", "things"),
}
_VALUE = {
    "secret": "object.data.p",
    "config": "object.data.p",
    "deploy": "object.spec.template.spec.containers[0].env[0].value",
    "job": "object.spec.template.spec.containers[0].env[0].value",
    "pod": "object.spec.containers[0].env[0].value",
    "thing": "object.spec.p",
}
_INVALID: dict[str, Json] = {
    "secret": {"type": "other"},
    "config": {"data": {"b@d": "x"}},
    "deploy": {"spec": {"selector": {"matchLabels": {"a": "c"}}}},
    "job": {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 1}}}},
    "pod": {"spec": {"hostname": "other"}},
    "thing": {"spec": {"count": 7}},
}
_MISTYPED: dict[str, Json] = {
    "secret": {"immutable": "yes"},
    "config": {"immutable": "yes"},
    "deploy": {"spec": {"replicas": "three"}},
    "job": {"spec": {"parallelism": "three"}},
    "pod": {"spec": {"activeDeadlineSeconds": "three"}},
    "thing": {"spec": {"count": "three"}},
}


def patches(key: str) -> dict[str, Json]:
    """Return what is refused about an object of this kind, by what it is."""
    return {
        "a number for text": {"metadata": {"annotations": {"days": 30}}},
        "mistyped": _MISTYPED[key],
        "unknown field": {"speck": {"x": "z"}},
        "bad label": {"metadata": {"labels": {"e": "a b"}}},
        "invalid": _INVALID[key],
        "echoed": {"metadata": {"labels": {"echo": "always"}}},
        "echoed late": {"metadata": {"labels": {"echo": "late"}}},
    }


def stored(key: str, space: str) -> Json:
    """Return the object of a kind, with its value."""
    api_version, kind, _ = KINDS[key]
    value = planted(key)
    container = {"name": "c", "image": "none", "env": [{"name": "P", "value": value}]}
    pod = {"restartPolicy": "Never" if key == "job" else "Always", "containers": [container]}
    labelled = {"metadata": {"labels": {"a": "b"}}, "spec": pod}
    body: dict[str, Json] = {
        "secret": {"stringData": {"p": value}},
        "config": {"data": {"p": value}},
        "deploy": {"spec": {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": labelled}},
        "job": {"spec": {"suspend": True, "template": {"spec": pod}}},
        "pod": {"spec": pod},
        "thing": {"spec": {"p": value}},
    }
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": key, "namespace": space}, **body[key]}


def definition() -> Json:
    """Return a kind whose own rule repeats what it holds."""
    rule = {
        "rule": "!has(self.count) || self.count < 5",
        "message": "none",
        "messageExpression": "self.p + ' does not go with it'",
    }
    spec = {
        "type": "object",
        "properties": {"p": {"type": "string", "maxLength": 64}, "count": {"type": "integer", "maximum": 9}},
        "required": ["p"],
        "x-kubernetes-validations": [rule],
    }
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.refusals.example"},
        "spec": {
            "group": "refusals.example",
            "scope": "Namespaced",
            "names": {"kind": "Thing", "plural": "things"},
            "versions": [version],
        },
    }


def policies() -> list[Json]:
    """Return a policy a kind that refuses what is labelled, and says what it holds: as it is, and in capitals."""
    made: list[Json] = []
    for key, (api_version, _, plural) in KINDS.items():
        group, _, version = api_version.rpartition("/")
        name = {"metadata": {"name": f"echo-{key}"}}
        api = {"apiVersion": "admissionregistration.k8s.io/v1"}
        rule = {
            "apiGroups": [group],
            "apiVersions": [version],
            "operations": ["CREATE", "UPDATE"],
            "resources": [plural],
        }
        label = "has(object.metadata.labels) && 'echo' in object.metadata.labels ? object.metadata.labels.echo : ''"
        denied = "variables.label == 'always' || (variables.label == 'late' && !request.dryRun)"
        said = f"'not with ' + {_VALUE[key]} + ' in it, nor ' + {_VALUE[key]}.upperAscii()"
        spec = {
            "matchConstraints": {"resourceRules": [rule]},
            "variables": [{"name": "label", "expression": label}],
            "validations": [{"expression": f"!({denied})", "message": "no", "messageExpression": said}],
        }
        binding = {"policyName": f"echo-{key}", "validationActions": ["Deny"]}
        made.append({**api, "kind": "ValidatingAdmissionPolicy", **name, "spec": spec})
        made.append({**api, "kind": "ValidatingAdmissionPolicyBinding", **name, "spec": binding})
    return made
