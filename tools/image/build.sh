#!/bin/bash
# build.sh [OUT]: builds the image of the last commit without Docker, as an OCI archive: OUT/pratique.tar, with the bill of
# materials beside it. Needs root, and of Debian: mmdebstrap, umoci, python3-venv. With Docker, the Dockerfile does the same.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$(realpath -m "${1:-.run/image}")
for program in mmdebstrap umoci; do
  command -v $program >/dev/null || {
    echo "$program is needed (apt-get install mmdebstrap umoci), or build with Docker: docker build -t pratique ." >&2
    exit 1
  }
done
[ "$(id -u)" = 0 ] || { echo "The image is made by root: sudo make image, or build with Docker: docker build -t pratique ." >&2 && exit 1; }
[ -z "$(git status --porcelain)" ] || echo "What is not committed is not in the image." >&2

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
COMMIT=$(git rev-parse HEAD)
export SOURCE_DATE_EPOCH COMMIT
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' operator/pratique/__init__.py)
created=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
git archive HEAD operator tools/image requirements pyproject.toml README.md LICENSE | tar -C "$work/src" -x
tools/image/rootfs.sh "$work/src" "$work/layers"

cd "$work"
umoci init --layout oci
umoci new --image "oci:$version"
for layer in base packages app; do
  umoci raw add-layer --image "oci:$version" --history.created "$created" --history.created_by "rootfs.sh $layer" "layers/$layer.tar"
done
labels=(
  title=pratique
  "description=Approvals for self-service on Kubernetes"
  "version=$version"
  "revision=$COMMIT"
  "created=$created"
  licenses=Apache-2.0
)
umoci config --image "oci:$version" --no-history --created "$created" --os linux --architecture "$(dpkg --print-architecture)" \
  --config.user 65532:65532 --config.entrypoint /usr/bin/pratique --config.workingdir /tmp \
  --config.env PATH=/usr/bin --config.env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt --config.env PYTHONDONTWRITEBYTECODE=1 \
  "${labels[@]/#/--config.label=org.opencontainers.image.}"
umoci gc --layout oci
mkdir -p "$out"
tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -C oci -cf "$out/pratique.tar" .
cp layers/sbom.cdx.json "$out/"
digest=$(sed -n 's/.*"digest":"\(sha256:[0-9a-f]*\)".*/\1/p' oci/index.json)
echo "$digest" >"$out/digest"
echo "$out/pratique.tar: pratique:$version, $digest, $(($(stat -c %s "$out/pratique.tar") / 1000000)) MB"
