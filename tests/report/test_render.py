"""The page is one file in which names cannot act and which everyone can read."""

from dataclasses import replace

from acn_eval.foreign_text import plain
from acn_eval.report.inputs import Material
from acn_eval.report.page import Text
from acn_eval.report.render import html, markdown
from acn_eval.report.sections import page_of
from acn_eval.studies.compare import compare
from tests.fakes import fake_result
from tests.report.pages import Reader

EVIL = "<img src=x onerror=alert(1)>\"'&|`**\n# x"


def test_the_same_material_gives_the_same_bytes(page, text):
    assert html(page) == text


def test_nothing_is_asked_of_the_network_and_nothing_runs(read, text):
    assert {tag for tag, _ in read.tags} & {"script", "link", "iframe", "object", "base"} == set()
    for _, attributes in read.tags:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href"):
            target = attributes.get(name, "#")
            assert target.startswith(("#", "data:image/png;base64,"))
    assert "url(" not in text
    assert "@import" not in text


def test_it_can_be_read_without_eyes_and_without_a_mouse(read):
    tags = read.tags
    assert ("html", {"lang": "en"}) in tags
    assert [level for level, _ in read.headings].count(1) == 1
    assert next(a for t, a in tags if t == "a")["href"] == "#content"
    assert all(a.get("alt") for t, a in tags if t == "img")
    assert all(a["role"] == "img" and a["aria-label"] for t, a in tags if t == "svg")
    tables = [a for t, a in tags if t == "table"]
    assert len(read.captions) == len(tables) > 5
    assert all(caption.strip() for caption in read.captions)
    boxes = [a for t, a in tags if a.get("class") == "box"]
    assert len(boxes) == len(tables)
    assert all(b["tabindex"] == "0" and b["role"] == "region" and b["aria-label"] for b in boxes)
    assert all(a.get("scope") in {"row", "col"} for t, a in tags if t == "th")
    anchors = {a["href"][1:] for t, a in tags if t == "a"}
    assert anchors <= {a.get("id") for _, a in tags}


def hostile():
    """A pair that is called something that a browser would run."""
    pair = []
    for name in ("ac_vit", "res_vit"):
        found = fake_result(name)
        checkpoint = replace(
            found.checkpoint, name=EVIL + name, uri=EVIL, training={"recipe": EVIL, "seed": 0}
        )
        data = replace(found.data, classes=(EVIL, *found.data.classes[1:]))
        pair.append(replace(found, checkpoint=checkpoint, data=data, warnings=(EVIL,)))
    return pair


def test_a_name_is_text_and_never_markup():
    left, right = hostile()
    about = Material(compare([left], [right]), (left,), (right,))
    page = page_of(about, (Text(EVIL),))
    read = Reader(html(page))
    assert [a for t, a in read.tags if t == "img"] == []
    assert not [a for _, a in read.tags if "onerror" in a]
    assert read.headings[0][1].startswith(plain(EVIL))
    written = markdown(page)
    assert not [x for x in written.splitlines() if "<img" in x and not x.startswith("    ")]
    assert written.startswith("# &lt;img src=x onerror=alert(1)>\"'&amp;\\|")
    assert all("# x" not in line[:3] for line in written.splitlines())
