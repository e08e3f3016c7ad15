"""What MkDocs calls while it builds the site: pages for what docs/ links to in the repository, and their order."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from tools.site.links import DOCS, ELSEWHERE, led, linked, place_of
from tools.site.order import navigation

ROOT = Path(__file__).parents[2]
_LANGUAGES = {".lua": "lua", ".sh": "bash", ".py": "python", ".json": "json"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each file and folder of the repository that a page links to, and for what these link to."""
    texts = {f"{DOCS}/{each.src_uri}": each.content_string for each in files.documentation_pages()}
    queue, seen = list(texts), set(texts)
    while queue:
        origin = queue.pop()
        for path in linked(texts[origin], origin):
            inside = path.startswith(f"{DOCS}/") and not _is_folder(path)
            if path in seen or inside or not (ROOT / path).exists():
                continue
            seen.add(path)
            text = _text(path)
            files.append(File.generated(config, place_of(path, _is_folder(path)), content=text))
            texts[path] = text
            queue.append(path)
    pages = [each.src_uri for each in files.documentation_pages()]
    config.nav = navigation(pages)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links lead to where the site has their pages."""
    place = page.file.src_uri
    origin = _origin(place) if place.startswith(f"{ELSEWHERE}/") else f"{DOCS}/{place}"
    return led(markdown, origin, _is_folder)


def _origin(place: str) -> str:
    """Return the path in the repository of a page that was added."""
    path = place.removeprefix(f"{ELSEWHERE}/")
    if (ROOT / path).exists():
        return path
    return path.removesuffix(".md") if not path.endswith("/index.md") else path


def _is_folder(path: str) -> bool:
    return (ROOT / path).is_dir()


def _text(path: str) -> str:
    """Return the page of a file or a folder: a page of its own as it is, all else as code or as a list."""
    file = ROOT / path
    if file.is_dir():
        names = [each.name for each in sorted(file.iterdir())]
        listed = [f"- [{name}]({name})" if path.startswith(f"{DOCS}/") else f"- `{name}`" for name in names]
        return "\n".join([f"# {path.removeprefix(f'{DOCS}/').capitalize()}", "", *listed, ""])
    if file.suffix == ".md":
        return file.read_text()
    return f"# {path}\n\n````{_LANGUAGES.get(file.suffix, 'yaml')}\n{file.read_text()}````\n"
