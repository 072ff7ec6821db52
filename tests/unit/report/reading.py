"""What tests need to read a page: every element with its attributes, parents and text."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br", "link", "img", "input", "hr", "line", "rect", "circle", "path"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    parent: Element | None = None
    children: list[Element] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    def all(self, tag: str = "", *, style: str = "") -> list[Element]:
        """Descendants by tag and class, in document order."""
        found = []
        for child in self.children:
            classes = (child.attributes.get("class") or "").split()
            if (not tag or child.tag == tag) and (not style or style in classes):
                found.append(child)
            found += child.all(tag, style=style)
        return found

    def one(self, tag: str = "", *, style: str = "", id: str = "") -> Element:
        found = [e for e in self.all(tag, style=style) if not id or e.attributes.get("id") == id]
        assert len(found) == 1, f"{len(found)} elements {tag} .{style} #{id}"
        return found[0]

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = self.here = Element("", {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs), self.here)
        self.here.children.append(element)
        if tag not in VOID or tag == "circle":
            self.here = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.here.children.append(Element(tag, dict(attrs), self.here))

    def handle_endtag(self, tag: str) -> None:
        assert self.here.tag == tag, f"</{tag}> closes <{self.here.tag}>"
        assert self.here.parent is not None
        self.here = self.here.parent

    def handle_data(self, data: str) -> None:
        place: Element | None = self.here
        while place is not None:
            place.pieces.append(data)
            place = place.parent


def read(html: str) -> Element:
    """Parse a page; fails where tags are not nested."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.here is reader.root, f"<{reader.here.tag}> is not closed"
    return reader.root
