"""Clusters before 1.36: the configuration by which the API server asks our webhook for the stamps. Pure data.

It asks for the very requests that the mutating policies of 1.36 look at, under the same conditions: a cleaner's update or a
withdrawal needs no stamp, and so no webhook. Nothing answers for the webhook: while it is down these requests are refused.
"""

from pratique.admission.language import API, LABELS, Manifest, Stamp, named

CONFIGURATION = "pratique-stamps"
SERVICE = "pratique-webhook"
"""The Service, and also the name of its Deployment, account and Secret."""
PATH = "/stamp"
_TIMEOUT_SECONDS = 5


def webhook_name(stamp: str) -> str:
    """Return the name that the API server puts into its answer while the webhook is down."""
    return f"{stamp}-stamp.webhook.pratique.dev"


def webhook_configuration(stamps: tuple[Stamp, ...], namespace: str, url: str | None = None) -> Manifest:
    """Return the MutatingWebhookConfiguration; the webhook itself adds the authority that it is to be known by."""
    return {
        "apiVersion": API,
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": CONFIGURATION, "labels": LABELS},
        "webhooks": [_webhook(stamp, namespace, url) for stamp in stamps],
    }


def _webhook(stamp: Stamp, namespace: str, url: str | None) -> Manifest:
    service = {"service": {"name": SERVICE, "namespace": namespace, "path": PATH, "port": 443}}
    # what the API server would fill in is written out, so that what is installed can be compared with this
    return {
        "name": webhook_name(stamp.name),
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"url": f"{url}{PATH}"} if url else service,
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
        "reinvocationPolicy": "IfNeeded",
        "rules": [stamp.match.rule()],
        "sideEffects": "None",
        "timeoutSeconds": _TIMEOUT_SECONDS,
        "matchConditions": named(stamp.conditions),
    }
