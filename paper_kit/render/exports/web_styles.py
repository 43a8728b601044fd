"""The styles of a Word document: pandoc's, changed to those of a paper."""

from __future__ import annotations

import io
import re
import subprocess
import zipfile
from dataclasses import dataclass

_FONTS = '<w:rFonts w:ascii="{0}" w:hAnsi="{0}" w:cs="{0}" w:eastAsia="{0}" />'
_SERIF, _SANS = _FONTS.format("Cambria"), _FONTS.format("Calibri")
_PAGE = (
    '<w:sectPr><w:pgSz w:w="11906" w:h="16838" />'
    '<w:pgMar w:top="1440" w:right="1440" w:bottom="1440" w:left="1440" w:header="720" w:footer="720" '
    'w:gutter="0" />'
    "</w:sectPr>"
)


@dataclass(frozen=True)
class Look:
    """A paragraph style: size in half points, spacing in twentieths of a point, and what else it is."""

    size: int
    before: int
    after: int
    more: str = ""  # of the paragraph
    letters: str = ""  # of its text
    fonts: str = _SERIF

    def xml(self, name: str, based_on: str) -> str:
        """The style in WordprocessingML."""
        own = "" if name in _BUILT_IN else ' w:customStyle="1"'
        size = f'<w:sz w:val="{self.size}" /><w:szCs w:val="{self.size}" />'
        return (
            f'<w:style w:type="paragraph"{own} w:styleId="{name.replace(" ", "")}"><w:name w:val="{name}" />'
            f'<w:basedOn w:val="{based_on}" /><w:qFormat /><w:pPr>{self.more}'
            f'<w:spacing w:before="{self.before}" w:after="{self.after}" />'
            f"{_MIDDLE if name in CENTRED else ''}{_OUTLINE.get(name, '')}</w:pPr>"
            f"<w:rPr>{self.fonts}{self.letters}{size}</w:rPr></w:style>"
        )


_BUILT_IN = ("Title", "Body Text", "Heading 1", "Heading 2", "Heading 3", "Bibliography")
_OUTLINE = {f"Heading {level}": f'<w:outlineLvl w:val="{level - 1}" />' for level in (1, 2, 3)}
_WITH_NEXT, _BOLD = "<w:keepNext /><w:keepLines />", "<w:b /><w:bCs />"
_MIDDLE = '<w:jc w:val="center" />'
LOOKS = {
    "Title": (Look(36, 240, 240, _WITH_NEXT, _BOLD, _SANS), "Normal"),
    "Author": (Look(21, 0, 40), "Normal"),
    "Abstract": (Look(20, 60, 160), "Normal"),
    "Heading 1": (Look(30, 360, 100, _WITH_NEXT, _BOLD, _SANS), "Normal"),
    "Heading 2": (Look(25, 280, 80, _WITH_NEXT, _BOLD, _SANS), "Normal"),
    "Heading 3": (Look(22, 220, 60, _WITH_NEXT, _BOLD, _SANS), "Normal"),
    "Body Text": (Look(21, 60, 120), "Normal"),
    "Compact": (Look(18, 20, 20), "Normal"),
    "Bibliography": (Look(18, 0, 60), "Normal"),
    "Table Caption": (Look(18, 240, 80, _WITH_NEXT), "Normal"),
    "Image Caption": (Look(18, 40, 260), "Normal"),
    "Captioned Figure": (Look(18, 240, 60, "<w:keepNext />"), "Normal"),
    "Table Notes": (Look(16, 60, 40), "Normal"),
    "Origins": (Look(14, 0, 40), "Normal"),
    "Listing": (Look(18, 20, 20), "Normal"),
}
CENTRED = ("Title", "Author", "Captioned Figure")


def reference() -> bytes:
    """pandoc's document of styles, with ours."""
    given = subprocess.run(
        ["pandoc", "--print-default-data-file", "reference.docx"], capture_output=True, check=True, timeout=60
    ).stdout
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(given)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "word/styles.xml":
                data = _restyled(data.decode()).encode()
            elif name == "word/document.xml":
                data = re.sub(r"<w:sectPr\s*/>", _PAGE, data.decode()).encode()
            new.writestr(name, data)
    return out.getvalue()


def _restyled(styles: str) -> str:
    """The styles with those of LOOKS, a table between rules, and quiet links."""
    made = []
    for name, (look, based_on) in LOOKS.items():
        known = rf'<w:style [^>]*w:styleId="{name.replace(" ", "")}">.*?</w:style>'
        styles = re.sub(known, "", styles, flags=re.DOTALL)
        made.append(look.xml(name, based_on))
    for name, colour in (("Mark", "B00020"), ("Grey", "767676")):
        made.append(
            f'<w:style w:type="character" w:customStyle="1" w:styleId="{name}"><w:name w:val="{name}" />'
            f'<w:rPr><w:color w:val="{colour}" /></w:rPr></w:style>'
        )
    table = r'<w:style w:type="table"[^>]*w:styleId="Table">.*?</w:style>'
    styles = re.sub(table, _TABLE, styles, flags=re.DOTALL)
    styles = styles.replace('<w:color w:val="4F81BD" w:themeColor="accent1" />', '<w:color w:val="1F4E79" />')
    return styles.replace("</w:styles>", "".join([*made, "</w:styles>"]))


_RULE = '<w:{0} w:val="single" w:sz="{1}" w:space="0" w:color="000000" />'
_TABLE = (
    '<w:style w:type="table" w:default="1" w:styleId="Table"><w:name w:val="Table" />'
    '<w:basedOn w:val="TableNormal" /><w:qFormat /><w:tblPr><w:jc w:val="center" />'
    f"<w:tblBorders>{_RULE.format('top', 8)}{_RULE.format('bottom', 8)}</w:tblBorders>"
    '<w:tblCellMar><w:left w:w="80" w:type="dxa" /><w:right w:w="80" w:type="dxa" /></w:tblCellMar></w:tblPr>'
    f'<w:tblStylePr w:type="firstRow"><w:rPr><w:b /></w:rPr><w:tcPr><w:tcBorders>{_RULE.format("bottom", 4)}'
    '</w:tcBorders><w:vAlign w:val="bottom" /></w:tcPr></w:tblStylePr></w:style>'
)
