"""Reads a page as a browser without JavaScript would."""

from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br"}


class Page(HTMLParser):
    """Its text, and its tags with their attributes; what is left open is an error."""

    def __init__(self, text):
        super().__init__()
        self.tags, self._texts, self._open = [], [], []
        self.feed(text)
        self.close()
        assert self._open == [], "tags that were left open"

    @property
    def text(self):
        return " ".join("".join(self._texts).split())

    def every(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    def links(self):
        return [found["href"] for found in self.every("a")]

    def forms(self):
        return [found["action"] for found in self.every("form") if found.get("method") == "post"]

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self._texts.append(data if self._open[-1:] not in (["script"], ["style"]) else "")
