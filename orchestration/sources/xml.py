"""XML from outside, read safely: a size limit, then defusedxml without any DTD. Elements are found by local name.

Prefixes and namespace URIs of devices differ between documents of one and the same interface, so nothing here looks at
them. What an element means is the vendor module's business.
"""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from orchestration.sources.contract import Unreadable

LARGEST_XML_BYTES = 16 * 2**20


def read_xml(content: bytes, largest_bytes: int = LARGEST_XML_BYTES) -> Element:
    """Return the root element.

    Raises Unreadable: empty_body, xml_too_large, html_instead_of_xml, xml_forbidden, not_xml. A DTD is refused whole
    (`xml_forbidden`): entities in it could grow without end or read files.
    """
    # half the speed of the plain parser, and what only reads definitions never pays for it
    from defusedxml import DefusedXmlException  # noqa: PLC0415
    from defusedxml.ElementTree import fromstring  # noqa: PLC0415

    if not content.strip():
        raise Unreadable("empty_body", "the answer has no content")
    if len(content) > largest_bytes:
        raise Unreadable("xml_too_large", f"{len(content)} bytes of XML, more than {largest_bytes}")
    if content.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise Unreadable("html_instead_of_xml", "a web page came instead of XML")
    try:
        return fromstring(content, forbid_dtd=True)
    except DefusedXmlException as error:
        raise Unreadable("xml_forbidden", f"the XML holds what is never read: {type(error).__name__}") from error
    except ParseError as error:
        raise Unreadable("not_xml", f"the XML ends or breaks: {error}") from error
    except (ValueError, LookupError) as error:  # an encoding that nobody knows
        raise Unreadable("not_xml", f"the XML cannot be decoded: {error}") from error


def local_name(element: Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def each(element: Element, name: str) -> Iterator[Element]:
    """Go through all descendants (and the element itself) of this local name, in document order."""
    return (found for found in element.iter() if local_name(found) == name)


def child(element: Element, name: str) -> Element | None:
    """Return the first direct child of this local name."""
    return next((found for found in element if local_name(found) == name), None)


def text_of(element: Element, *path: str) -> str:
    """Return the text under a path of local names from this element; empty where there is none."""
    found: Element | None = element
    for name in path:
        found = child(found, name) if found is not None else None
    return (found.text or "").strip() if found is not None else ""
