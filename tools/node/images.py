"""Makes an image of one static program: for the Pods of the node itself, which no registry has to be asked for."""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"


def write_image(
    program: Path, tag: str, archive: Path, *, user: str = "65532:65532", entry: Sequence[str] = ()
) -> None:
    """Write an OCI archive whose only file is the program, as `tag`; what is called is `entry`, or the program."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        info = tarfile.TarInfo(program.name)
        info.mode, info.size = 0o755, program.stat().st_size
        with program.open("rb") as content:
            tar.addfile(info, content)
    blobs: dict[str, bytes] = {}

    def blob(media: str, content: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        blobs[digest] = content
        return {"mediaType": media, "digest": f"sha256:{digest}", "size": len(content)}

    described = blob(_LAYER, layer.getvalue())
    config = {
        "architecture": _architecture(),
        "os": "linux",
        "config": {"User": user, "Entrypoint": list(entry) or [f"/{program.name}"]},
        "rootfs": {"type": "layers", "diff_ids": [described["digest"]]},
    }
    manifest = {"schemaVersion": 2, "config": blob(_CONFIG, json.dumps(config).encode()), "layers": [described]}
    found = blob(_MANIFEST, json.dumps(manifest).encode())
    index = {"schemaVersion": 2, "manifests": [{**found, "annotations": {"org.opencontainers.image.ref.name": tag}}]}
    files = {f"blobs/sha256/{digest}": content for digest, content in blobs.items()}
    files |= {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": json.dumps(index).encode()}
    with tarfile.open(archive, "w") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
