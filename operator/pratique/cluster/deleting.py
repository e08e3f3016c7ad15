"""The one request by which an object is deleted: by its uid, in the background."""

from pratique.cluster.client import Api
from pratique.core.kernel.effects import Json, ObjectRef


async def delete_object(
    api: Api,
    ref: ObjectRef,
    uid: str,
    *,
    run_as: str | None = None,
    version: str | None = None,
    dry_run: bool = False,
) -> Json:
    """Delete the object with this uid and no other of its name, if given only in this version; raises ApiError."""
    only = {"uid": uid} | ({"resourceVersion": version} if version else {})
    # in the body: where there is one, an API server ignores dryRun in the query, and deletes
    tries = {"dryRun": ["All"]} if dry_run else {}
    options = {"preconditions": only, "propagationPolicy": "Background", **tries}
    return await api.request("DELETE", await api.path_of(ref), options, run_as=run_as)
