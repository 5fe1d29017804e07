"""SVG of a page: small, with a group and a title for each marker.

Matplotlib writes a group for each artist, an id for each group, six decimals, and the style of a
marker twice. A page has thousands of markers, so all that changes no picture goes.
"""

from __future__ import annotations

import copy
import re
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Mapping, Sequence

from ipcbench.reports.charts.look.palette import INK, themed
from ipcbench.reports.drawing.canvas import TEXT, printable

LONGEST_NAME = 200  # characters of the name of a marker
_ROOT_STYLE = f"font:{TEXT}px 'DejaVu Sans',Verdana,sans-serif;fill:{INK};stroke-linejoin:round"
_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_LONG = re.compile(r"-?\d+\.\d{2,}")
_STEP = re.compile(r" ?([MLCz]) ?")
_NUMBERS = ("d", "x", "y", "transform")
_FILL = re.compile(r"fill(?:-opacity)?:[^;]+")
_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'


def parse(svg: bytes, marks: Mapping[str, Sequence[str]]) -> ET.Element:
    """Parse a drawing of matplotlib. `marks`: the id of a group -> the names of its markers."""
    root = ET.fromstring(svg)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        if _HREF in element.attrib:
            element.set("href", element.attrib.pop(_HREF))
        _shorten(element)
    for group in list(root.iter("g")):
        if group.get("id") in marks:
            _name_markers(group, marks[group.attrib["id"]])
    _flatten(root)
    _renumber(root)
    root.set("style", _ROOT_STYLE)
    return root


def _shorten(element: ET.Element) -> None:
    """Round coordinates to tenths of a point, and leave out what is the default."""
    attributes = element.attrib
    digits = 2 if "id" in attributes else 1  # the path of a marker, or anything else
    for name in _NUMBERS:
        if name in attributes:
            text = _LONG.sub(lambda found: f"{float(found[0]):.{digits}f}", attributes[name])
            attributes[name] = _STEP.sub(r"\1", " ".join(text.split()))
    if attributes.get("transform", "").startswith("rotate(-0 "):
        del attributes["transform"]
    attributes.pop("clip-path", None)
    if "style" in attributes:
        style = re.sub(r"font-family: [^;]+(; )?", "", attributes["style"])
        style = style.replace(": ", ":").replace("; ", ";")
        if element.tag == "use":  # the path that it refers to has all but the fill
            style = ";".join(_FILL.findall(style))
        elif element.tag == "path" and "id" not in attributes:
            style = style.replace("stroke-linejoin:miter", "")  # it is a straight line
        elif element.tag == "text":
            style = style.replace(f"fill:{INK}", "").replace(f"font-size:{TEXT}px;", "")
            style = style.replace("text-anchor:start", "")
        attributes["style"] = style.replace(";;", ";").strip(";")
        if not attributes["style"]:
            del attributes["style"]
    if element.tag not in ("title", "text"):
        element.text = None
    element.tail = None


def _name_markers(group: ET.Element, names: Sequence[str]) -> None:
    """Put each marker into a group with its name; one that is half filled has two parts."""
    boxes = group.findall("path")
    if len(boxes) == len(names) == 1:
        group.remove(boxes[0])
        group.append(_named(names[0], boxes))
        return
    uses = list(group.iter("use"))
    copies, rest = divmod(len(uses), len(names))
    if rest or not copies:  # some are not drawn, since they are not on the sheet
        return
    styles = {use.get("style", "") for use in uses}
    if len(names) > 1 and len(styles) == 1:  # say it once
        group.set("style", styles.pop())
        for use in uses:
            use.attrib.pop("style", None)
    for drawn in group.findall("g"):
        group.remove(drawn)
    for index, name in enumerate(names):
        group.append(_named(name, uses[index :: len(names)]))


def _named(name: str, shapes: Sequence[ET.Element]) -> ET.Element:
    text = printable(name, LONGEST_NAME)
    marker = ET.Element("g", {"class": "mark", "aria-label": text})
    ET.SubElement(marker, "title").text = text
    marker.extend(shapes)
    return marker


def _flatten(element: ET.Element) -> None:
    """Replace each group that says nothing by its children; remove what is drawn by none."""
    kept: list[ET.Element] = []
    for child in element:
        _flatten(child)
        if child.tag == "g":
            child.attrib.pop("id", None)
        if child.tag in ("metadata", "style", "clipPath") or (
            child.tag == "defs" and not len(child)
        ):
            continue
        kept += list(child) if child.tag == "g" and not child.attrib else [child]
    element[:] = kept


def _renumber(root: ET.Element) -> None:
    """Number the paths of markers."""
    names: dict[str, str] = {}
    for defs in root.iter("defs"):
        for path in defs:
            names[f"#{path.attrib['id']}"] = path.attrib["id"] = f"m{len(names)}"
    for use in root.iter("use"):
        use.set("href", "#" + names[use.attrib["href"]])


def file(root: ET.Element) -> bytes:
    """Write a drawing as a file."""
    text = _text(root)
    return (_HEAD + text.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)).encode()


def inline(root: ET.Element, name: str) -> str:
    """Write a drawing as an element of a page: unique ids, and colours of the page's theme."""
    own = copy.deepcopy(root)
    prefix = f"c{zlib.crc32(name.encode()):x}"  # a page has some thousand references
    for element in own.iter():
        attributes = element.attrib
        if "id" in attributes:
            attributes["id"] = prefix + attributes["id"]
        if "href" in attributes:
            attributes["href"] = f"#{prefix}{attributes['href'].removeprefix('#')}"
        if "style" in attributes:
            attributes["style"] = themed(attributes["style"])
    size = {"viewBox": own.attrib["viewBox"], "style": own.attrib["style"]}
    own.attrib.clear()
    own.attrib.update(role="img", **{"aria-labelledby": f"{name}-title"}, **size)
    return _text(own)


def _text(root: ET.Element) -> str:
    return ET.tostring(root, encoding="unicode").replace('" />', '"/>')
