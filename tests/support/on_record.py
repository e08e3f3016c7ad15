"""Whether the operator has on record what guards now: until then, what people decide may count for nothing.

An operator says that it is ready until it has seen that something was changed; so does a process that stands by.
"""

from pratique.core.kernel.effects import ObjectRef
from pratique.guarding.record import RECORD_NAME, changed, from_data, ident_of, name_in_record
from tests.support.http import Caller

_KINDS = {
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    **{
        kind: f"/apis/admissionregistration.k8s.io/v1/{plural}"
        for kind, plural in (
            ("ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
            ("ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"),
            ("MutatingAdmissionPolicy", "mutatingadmissionpolicies"),
            ("MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings"),
        )
    },
}
_OURS = {"labelSelector": "app.kubernetes.io/part-of=pratique"}


def is_on_record(admin: Caller) -> bool:
    """Whether the record names each policy, binding and CRD of ours, as it is now, and no gap."""
    record = admin.send("GET", f"/api/v1/namespaces/pratique-system/configmaps/{RECORD_NAME}")
    if not record.ok or "gap" in (record.body.get("data") or {}):
        return False
    seen = {}
    for kind, path in _KINDS.items():
        listed = admin.send("GET", path, params=_OURS)
        for each in listed.body["items"] if listed.ok else ():
            seen[name_in_record(ObjectRef("", kind, each["metadata"]["name"]))] = ident_of(each)
    return bool(seen) and changed(from_data(record.body["data"], seen), seen) is None
