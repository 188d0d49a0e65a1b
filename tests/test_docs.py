"""The site builds without a warning, loads nothing from elsewhere, documents the public names."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import acn_eval

ROOT = Path(__file__).parents[1]
LOADED = re.compile(
    r"""<(?:script|img|iframe)[^>]+src="([^"]+)"|<link[^>]+href="([^"]+)"|url\(([^)]+)\)"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_of_the_documentation_is_in_the_site(site):
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")}
    assert pages <= {page.stem for page in site.glob("*.html")}


def test_the_site_loads_nothing_from_another_host(site):
    texts = [p.read_text() for p in site.rglob("*") if p.suffix in {".html", ".css"}]
    loaded = {"".join(found).strip("\"'") for text in texts for found in LOADED.findall(text)}
    assert loaded
    assert {address for address in loaded if re.match(r"(\w+:)?//", address)} == set()


@pytest.mark.parametrize("name", acn_eval.__all__)
def test_the_reference_documents_every_public_name(site, name):
    public = getattr(acn_eval, name)
    where = getattr(public, "__name__", name)
    if hasattr(public, "__module__"):
        where = f"{public.__module__}.{public.__qualname__}"
    assert f'id="{where}"' in (site / "reference.html").read_text()
