"""Takes the pictures of docs/mlflow.md: ``python -m benchmarks.screenshots STORE [FOLDER]``.

STORE is the address of a store that holds what these left, e.g. ``sqlite:///mlflow.db``:

    acn-eval robustness --ckpt ac_vit.pt
    acn-eval compression --ckpt exits/ac_vit.pt
    acn-eval transfer --ckpt digits04/ac_vit.pt
    acn-eval low-data
"""

import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from acn_eval.stores import resolve_store
from acn_eval.tracking import chart_links, serving
from tests.chromium import Page, browser

PAGES = "workflowType=machine_learning"
CARD = '[data-testid="experiment-view-compare-runs-card"]'
MORE = """[...document.querySelectorAll('*')].filter(
  e => !e.children.length && e.innerText === 'Show more').at(-1).click()"""
DRAWN = f"""(title => [...document.querySelectorAll('{CARD}')]
  .some(card => card.innerText.startsWith(title) && card.querySelector('.point')))(%r)"""
TIDY = """(() => {
  const style = document.createElement('style');
  style.textContent = '.modebar { display: none !important; }';  // tools of charts
  document.head.append(style);
  const path = [...document.querySelectorAll('*')].filter(
    e => e.innerText?.startsWith('Path: file:')).at(-1);
  if (path) path.style.visibility = 'hidden';  // where the store is on this machine
})()"""
CONTENT = 1335  # pixels; a pane beside it asks a language model


def main(uri: str, folder: str = "docs/images") -> None:
    """Serve the store, open the pages in Chromium, and write PNG files."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    store = resolve_store(uri, cwd=Path.cwd())
    with (
        tempfile.TemporaryDirectory() as profile,
        serving(store, port=0) as server,
        browser(profile) as page,
    ):
        links = chart_links(server.address)
        for name, draw in PICTURES.items():
            draw(page, links, server.address, store)
            page.evaluate(TIDY)
            time.sleep(1)
            print(f"{name}.png: {save(page, target / f'{name}.png')} kB")


def save(page: Page, path: Path) -> int:
    """Write what the page shows, in few colors; return its size in kB."""
    page.screenshot(path)
    with Image.open(io.BytesIO(path.read_bytes())) as picture:
        content = picture.crop((0, 0, CONTENT, picture.height))
        small = content.convert("RGB").quantize(colors=64)
    small.save(path, optimize=True)
    return path.stat().st_size // 1024


def charts(suite: str, *titles: str, what: str = "curves") -> Callable[..., None]:
    """Return what opens charts of a suite and waits until these are drawn."""

    def draw(page: Page, links: dict[str, str], *_: Any) -> None:
        page.open(links[f"acn-eval/{suite}, {what}"])
        for title in titles:
            page.wait_for(DRAWN % title)

    return draw


def table(suite: str, what: str, *texts: str) -> Callable[..., None]:
    """Return what opens a table of a suite and waits until it says this."""

    def draw(page: Page, links: dict[str, str], *_: Any) -> None:
        page.open(links[f"acn-eval/{suite}, {what}"])
        page.wait_for_text(*texts)

    return draw


def comparison(suite: str, artifact: str) -> Callable[..., None]:
    """Return what opens the page of a suite's comparison, or a file of it."""

    def draw(page: Page, links: dict[str, str], address: str, store: Any) -> None:
        client = store.client()
        experiment = client.get_experiment_by_name(f"acn-eval/{suite}").experiment_id
        (run, *_) = client.search_runs([experiment], "tags.acn_eval.kind = 'comparison'")
        page.open(f"{address}/#/experiments/{experiment}/runs/{run.info.run_id}{artifact}?{PAGES}")
        if artifact:
            page.wait_for("[...document.images].some(image => image.naturalWidth > 800)")
        else:
            page.wait_for("document.querySelectorAll('table th').length > 5")
            page.evaluate(MORE)

    return draw


PICTURES = {
    "robustness-curves": charts("robustness", "acc/gaussian", "acc/salt_pepper"),
    "compression-curves": charts("compression", "acc/clean"),
    "transfer-curves": charts("transfer", "acc/clean_stream"),
    "low-data-architectures": charts("low_data_demo", "acc/clean", what="architectures"),
    "checkpoints": table("robustness", "checkpoints", "mean/corrupted", "residual"),
    "verdicts": table("robustness", "verdicts", "acn_eval.verdict", "ac_vit vs res_vit"),
    "comparison": comparison("robustness", ""),
    "comparison-figure": comparison("robustness", "/artifacts/accuracy.png"),
    "compression-figure": comparison("compression", "/artifacts/charts.png"),
}

if __name__ == "__main__":
    main(*sys.argv[1:])
