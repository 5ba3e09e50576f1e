"""A chart as part of a page: no styles that its policy forbids, colours of the page, ids of its own. Pure."""

from __future__ import annotations

from typing import Final
from xml.etree import ElementTree as ET

# What charts.py draws with, as the stylesheet of the pages names it: light or dark.
COLOURS: Final = {
    "#26323f": "var(--ink)",
    "#c5ccd3": "var(--strong)",
    "#e6eaee": "var(--line)",
    "#ffffff": "none",
    "#6b7783": "var(--soft)",
}
DROPPED: Final = frozenset({"metadata", "style"})
FONT: Final = frozenset({"font", "font-family"})


def inline(chart: bytes, label: str, prefix: str) -> str:
    """`chart` is SVG as matplotlib writes it. `label` is for who cannot see it; ids begin with `prefix`."""
    root = ET.fromstring(chart)  # noqa: S314  our own, not somebody's
    _clean(root, prefix)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib |= {"role": "img", "aria-label": label}
    return ET.tostring(root, encoding="unicode")


def _clean(element: ET.Element, prefix: str) -> None:
    element.tag = _local(element.tag)
    element.attrib = {_local(name): value for name, value in element.attrib.items()}
    for declaration in element.attrib.pop("style", "").split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name and name not in FONT:
            element.attrib[name] = COLOURS.get(value, value)
    for name, value in element.attrib.items():
        if name == "id":
            element.attrib[name] = prefix + value
        elif value.startswith("#") and name == "href":
            element.attrib[name] = f"#{prefix}{value[1:]}"
        elif value.startswith("url(#"):
            element.attrib[name] = f"url(#{prefix}{value[5:]}"
    for child in list(element):
        if _local(child.tag) in DROPPED:
            element.remove(child)
        else:
            _clean(child, prefix)


def _local(name: str) -> str:
    """Without its namespace, which HTML knows by itself."""
    return name.rpartition("}")[2]
