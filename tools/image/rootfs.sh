#!/bin/bash
# rootfs.sh SRC OUT: makes what the image consists of, as three layers in OUT: base.tar, packages.tar, app.tar; and sbom.cdx.json.
#
# The same from the same commit, byte by byte, as long as Debian's archive has the same packages. Needs root, on Debian 12 or 13:
# mmdebstrap, python3 with venv, and Debian's keys. Called in the build stage of the Dockerfile, and by build.sh. Where packages
# come from is the machine's matter (sources of apt, configuration of pip).
set -euo pipefail
src=$(realpath "$1")
out=$(realpath -m "$2")
: "${SOURCE_DATE_EPOCH:?the time of the commit, in seconds}"
: "${COMMIT:?the commit that is built}"
export SOURCE_DATE_EPOCH LC_ALL=C TZ=UTC PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
umask 022

suite=trixie python=3.13 abi=cp313
site=usr/lib/python3/dist-packages
case $(dpkg --print-architecture) in
  amd64) machine=x86_64 ;;
  arm64) machine=aarch64 ;;
  *) echo "rootfs.sh: only amd64 and arm64 have wheels of everything" >&2 && exit 1 ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir -p "$out"

echo "rootfs.sh: tools, pinned" >&2
python3 -m venv tools
tools/bin/pip install --quiet --require-hashes --only-binary :all: -r "$src/requirements/image.txt"

echo "rootfs.sh: base" >&2
# unpacks and configures nothing: no script of a package runs, so nothing of this machine gets in
# shellcheck disable=SC2016 # the hook is for mmdebstrap's shell: what was unpacked, for the bill of materials
mmdebstrap --quiet --variant=extract --include="python$python-minimal,libpython$python-stdlib,libstdc++6,ca-certificates,base-files,netbase" \
  --extract-hook='for each in "$1"/var/cache/apt/archives/*.deb; do dpkg-deb --field "$each" Package Version Architecture; echo; done >unpacked' $suite base
# copies of this machine's own
rm -f base/etc/hostname base/etc/resolv.conf
# what update-ca-certificates would do
find base/usr/share/ca-certificates/mozilla -name '*.crt' | sort | xargs cat >base/etc/ssl/certs/ca-certificates.crt
# what base-passwd would do, and the user that the Pods run as: a process without a name cannot even ask for it
cat >base/etc/passwd <<'EOF'
root:x:0:0:root:/root:/usr/sbin/nologin
pratique:x:65532:65532:pratique:/tmp:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
EOF
cat >base/etc/group <<'EOF'
root:x:0:
pratique:x:65532:
nogroup:x:65534:
EOF
ln -sf "python$python" base/usr/bin/python3
# licences stay; what nobody reads or runs here goes
find base/usr/share/doc -type f ! -name copyright -delete
find base/usr/share/doc -mindepth 1 -type d -empty -delete
rm -rf base/{boot,home,media,mnt,opt,srv} base/var/{lock,tmp,mail,spool,backups,local,opt} base/etc/update-motd.d base/usr/{games,local,src,include} base/usr/bin/{c_rehash,debconf*,mawk,openssl} base/usr/sbin base/dev base/var/lib/dpkg base/var/lib/apt base/var/cache base/var/log base/etc/apt base/usr/share/{man,info,locale,lintian,debconf,bug,perl5,python3} \
  base/usr/lib/*/gconv base/usr/lib/*/perl-base base/usr/lib/locale base/usr/share/ca-certificates base/usr/lib/python$python/{ensurepip,idlelib,lib2to3,pydoc_data,turtledemo}
mkdir -p base/dev base/proc base/sys base/tmp
chmod 1777 base/tmp

echo "rootfs.sh: packages" >&2
platforms=()
for minor in $(seq 41 -1 17); do platforms+=(--platform "manylinux_2_${minor}_$machine"); done
for old in manylinux2014 manylinux2010 manylinux1; do platforms+=(--platform "${old}_$machine"); done
tools/bin/pip install --quiet --no-compile --no-deps --require-hashes --only-binary :all: \
  --python-version $python --implementation cp --abi $abi --abi abi3 --abi none "${platforms[@]}" \
  -r "$src/requirements/runtime.txt" --target "packages/$site"
# scripts of packages, whose first line names this machine's Python, and what a wheel brought by mistake
rm -rf "packages/$site"/{bin,bazel-project}
sed -i -e '/^\.\.\/\.\.\/bin\//d' -e '/^bazel-project\//d' "packages/$site"/*.dist-info/RECORD

echo "rootfs.sh: app" >&2
cp -r "$src" source
(cd source && ../tools/bin/python -m hatchling build --target wheel --directory "$work/wheel" >/dev/null 2>&1)
# by name: installed by path it would remember the path
tools/bin/pip install --quiet --no-index --find-links wheel --no-compile --no-deps --target "app/$site" pratique
rm -rf "app/$site/bin"
sed -i '/^\.\.\/\.\.\/bin\//d' "app/$site"/*.dist-info/RECORD
echo "$COMMIT" >"app/$site/pratique/commit.txt"
mkdir -p app/usr/bin app/usr/share/doc/pratique
cat >app/usr/bin/pratique <<EOF
#!/usr/bin/python$python -P
import sys
from pratique.main import main
sys.exit(main())
EOF
chmod 755 app/usr/bin/pratique
cp "$src/LICENSE" app/usr/share/doc/pratique/copyright
tools/bin/python "$src/tools/image/sbom.py" unpacked "packages/$site" "app/$site" >app/usr/share/doc/pratique/sbom.cdx.json
cp app/usr/share/doc/pratique/sbom.cdx.json "$out/sbom.cdx.json"

echo "rootfs.sh: bytecode" >&2
# by the interpreter of the image, since its root is read-only: without it each start would compile. It depends on the source alone
compile() { chroot base "/usr/bin/python$python" -m compileall -q --invalidation-mode unchecked-hash "$@"; }
compile "/usr/lib/python$python"
for layer in packages app; do
  mv "$layer" base/build
  compile -s /build -p / "/build/$site"
  mv base/build "$layer"
done

echo "rootfs.sh: layers" >&2
for layer in base packages app; do
  tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=gnu -C "$layer" -cf "$out/$layer.tar" .
done
