"""A hook of MkDocs: the pages that lie at the top of the repository are part of the site too, and links between them
and docs/ lead there. On a code host the same links work as they are written.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

_ROOT = Path(__file__).parents[1]
_ROOT_PAGES = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
# Links to folders and files of the code have no page: they become their text.
_CODE_LINK = re.compile(
    r"\[([^\]]+)\]\((?:\.\./)*(?:opskit|tests|tools|benchmarks|workflows|\.github|LICENSE|README\.md)[^)]*\)"
)


def on_files(files: Files, config: Any) -> Files:
    """Add the pages of the top."""
    for name in _ROOT_PAGES:
        files.append(File.generated(config, name, content=(_ROOT / name).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Let links lead to where the pages are in the site."""
    text = re.sub(r"\]\((?:\.\./)+(CHANGELOG|CONTRIBUTING|SECURITY)\.md", _to_top(page.file.src_uri), markdown)
    if page.file.src_uri in _ROOT_PAGES:
        text = re.sub(r"\]\(docs/", "](", text)
    return _CODE_LINK.sub(r"\1", text)


def _to_top(page: str) -> str:
    return "](" + "../" * page.count("/") + r"\1.md"
