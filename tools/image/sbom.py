"""`sbom.py UNPACKED FOLDER…`: writes what is in the image as a CycloneDX document: Debian's packages, and Python's.

The same from the same packages: its number is a digest of what is in it, its time that of the commit. Run by rootfs.sh with
the tools that requirements/image.txt pins; nothing else of the project imports it.
"""

import os
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL


def main() -> int:
    """Write it, and only if it is what the schema of CycloneDX asks for."""
    unpacked, *folders = (Path(each) for each in sys.argv[1:])
    components = [*debian(unpacked.read_text(encoding="utf-8")), *python(folders)]
    ours = next(each for each in components if each.name == "pratique")
    components.remove(ours)
    ours.type = ComponentType.APPLICATION
    named = "\n".join(sorted(str(each.purl) for each in components))
    bom = Bom(components=components, serial_number=uuid.uuid5(uuid.NAMESPACE_URL, named))
    bom.metadata.timestamp = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    bom.metadata.component = ours
    bom.register_dependency(ours, components)
    text = JsonV1Dot6(bom).output_as_string(indent=1)
    if errors := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        sys.stderr.write(f"sbom.py: the document is not valid: {errors}\n")
        return 1
    sys.stdout.write(text + "\n")
    return 0


def debian(unpacked: str) -> Iterator[Component]:
    """Yield a component for each package that was unpacked; its licences are in /usr/share/doc/*/copyright."""
    for paragraph in unpacked.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[:1] != " ")
        name, version, architecture = fields["Package"], fields["Version"], fields["Architecture"]
        url = PackageURL("deb", "debian", name, version, {"arch": architecture, "distro": "trixie"})
        yield Component(name=name, version=version, purl=url, bom_ref=str(url))


def python(folders: list[Path]) -> Iterator[Component]:
    """Yield a component for each distribution in these folders."""
    for folder in folders:
        for path in sorted(folder.glob("*.dist-info")):
            found = PathDistribution(path)
            name, version = found.metadata["Name"], found.version
            url = PackageURL("pypi", None, name.lower().replace("_", "-"), version)
            licences = list(licence(found))
            yield Component(name=name, version=version, purl=url, bom_ref=str(url), licenses=licences)


def licence(found: Distribution) -> Iterator[DisjunctiveLicense | LicenseExpression]:
    """Yield what a distribution says of its licence, at most one."""
    metadata = found.metadata
    if expression := metadata.get("License-Expression"):
        yield LicenseExpression(expression)
        return
    told = [each.rpartition(" :: ")[2] for each in metadata.get_all("Classifier", []) if each.startswith("License ::")]
    text = (metadata.get("License") or "").strip()
    name = ", ".join(told) or (text if text and "\n" not in text and len(text) < 100 else "")
    if name:
        yield DisjunctiveLicense(name=name)


if __name__ == "__main__":
    sys.exit(main())
