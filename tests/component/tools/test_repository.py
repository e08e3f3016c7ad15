"""The files that hold habits hold: hooks run what is there, nothing secret or large is committed, versions agree."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from tools import commit_checks

from pratique import __version__

ROOT = Path(__file__).parents[3]
HOOKS = [
    hook
    for repo in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    for hook in repo["hooks"]
    if repo["repo"] == "local"
]
KEY = "-----BEGIN {}PRIVATE KEY-----\n" + "QUJD" * 20 + "\n"


def committed() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [str(ROOT / each) for each in listed.stdout.split("\0") if each]


def test_nothing_secret_or_large_is_committed(capsys: pytest.CaptureFixture[str]) -> None:
    assert commit_checks.main(committed()) == 0, capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (KEY.format(""), "has a private key"),
        (KEY.format("RSA "), "has a private key"),
        ("token: xox" + "b-123456789012-123456789012-" + "a" * 24, "has a token of Slack"),
        ("gh" + "p_" + "a" * 36, "has a token of GitHub"),
        ("AKIA" + "A" * 16, "has a key of AWS"),
        ("eyJhbGciOiJSUzI1NiI" + "a" * 60 + "." + "b" * 60 + ".c", "has a token of a ServiceAccount"),
        ("x" * (commit_checks.MAX_BYTES + 1), "300000 are the most"),
    ],
)
def test_what_must_not_be_committed_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, said: str
) -> None:
    path = tmp_path / "file"
    path.write_text(content)
    assert commit_checks.main([str(path), str(tmp_path / "deleted")]) == 1
    assert said in capsys.readouterr().err


def test_hooks_need_no_network_and_run_what_is_there() -> None:
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert {repo["repo"] for repo in repos} == {"local"}
    assert {"secrets-and-sizes", "ruff-check", "ruff-format", "contracts", "generated"} <= {
        hook["id"] for hook in HOOKS
    }
    for hook in HOOKS:
        assert hook["language"] == "system"
        words = [word for word in hook["entry"].split() if not re.match(r"env$|\w+=", word)]
        assert shutil.which(words[0]) or (ROOT / words[0]).exists() or words[0].startswith(".venv/"), hook["id"]
        if "-m" in words:
            module = words[words.index("-m") + 1].replace(".", "/")
            homes = [ROOT / top / f"{module}{end}" for top in ("", "operator") for end in (".py", "/__main__.py")]
            assert any(each.exists() for each in homes), hook["id"]


def test_the_version_is_one_and_has_its_notes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    chart = yaml.safe_load((ROOT / "charts" / "pratique" / "Chart.yaml").read_text())
    assert {project["version"], chart["version"], chart["appVersion"]} == {__version__}
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()
    assert (ROOT / "tests" / "golden" / "crds" / f"v{__version__}").is_dir()


def test_what_a_template_or_an_owner_names_is_there() -> None:
    owned = [line.split()[0] for line in (ROOT / ".github" / "CODEOWNERS").read_text().splitlines() if line[:1] == "/"]
    assert owned and [each for each in owned if not (ROOT / each.lstrip("/")).exists()] == []
    for form in ("bug.yml", "idea.yml"):
        parsed = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / form).read_text())
        assert (
            parsed["name"] and parsed["description"] and [each for each in parsed["body"] if each["type"] == "textarea"]
        )
    pages = ("RELEASE.md", "CONTRIBUTING.md", ".github/PULL_REQUEST_TEMPLATE.md")
    text = "\n".join((ROOT / page).read_text() for page in pages)
    named = set(re.findall(r"`((?:tests|tools|docs|handlers|core)/[\w./-]+\.(?:py|md|yaml))`", text))
    assert named
    assert [
        each for each in named if not ((ROOT / each).exists() or (ROOT / "operator/pratique" / each).exists())
    ] == []
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)`", text)) <= targets


ROOTS = (ROOT, ROOT / "operator" / "pratique")
PACKAGES = {each.stem for each in (ROOT / "operator" / "pratique").iterdir()}
NAME = re.compile(r"`((?:[a-z_0-9]+\.)+\w+)`")
FILE = re.compile(r"`([\w./-]+/[\w.-]+\.(?:py|md|yaml|sh))`")
OURS = ("operator", "tests", "tools", "docs", "charts", "examples", "bench", *PACKAGES)


def is_there(name: str) -> bool:
    """Whether a dotted name is a package or module of ours, or something in one."""
    at = ROOT / "operator" / "pratique"
    for part in name.split("."):
        if (at / part).is_dir():
            at /= part
            continue
        module = at / f"{part}.py"
        if module.is_file():
            inside = name.split(f"{part}.", 1)[1:] or [""]
            return not inside[0] or re.search(rf"\b{inside[0].split('.')[0]}\b", module.read_text()) is not None
        return re.search(rf"\b{part}\b", (at / "__init__.py").read_text()) is not None
    return True


def test_what_code_and_pages_name_is_there() -> None:
    """A name in backticks, in a docstring or on a page, leads somewhere: what is moved or renamed takes them along."""
    sources = [each for top in ("operator", "tools", "tests", "bench") for each in (ROOT / top).rglob("*.py")]
    pages = [ROOT / "CONTRIBUTING.md", ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    of_code = [*sources, pages[0], *(ROOT / "docs" / "design").glob("*.md")]  # guides name values of the chart as well
    gone = {
        (str(file.relative_to(ROOT)), name)
        for file in of_code
        for name in NAME.findall(file.read_text())
        if name.split(".")[0] in PACKAGES and not name.endswith((".py", ".dev")) and not is_there(name)
    }
    gone |= {
        (str(file.relative_to(ROOT)), path)
        for file in [*sources, *pages]
        for path in FILE.findall(file.read_text())
        if path.split("/")[0] in OURS and not any((root / path).exists() for root in ROOTS)
    }
    assert gone == set()
