"""JSON lines: one event a line, in ASCII, from whoever writes it."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from taxii_hub.web.logs import configure_logging

pytestmark = pytest.mark.usefixtures("own_logging")


def only_line(capsys) -> dict:
    (line,) = capsys.readouterr().err.splitlines()
    return json.loads(line)


def test_events_of_the_hub(capsys):
    configure_logging("info")
    structlog.get_logger("x").warning("something", count=3)
    line = only_line(capsys)
    assert (line["event"], line["level"], line["count"]) == ("something", "warning", 3)
    assert line["timestamp"].endswith("Z")


def test_events_of_libraries(capsys):
    configure_logging("info")
    logging.getLogger("uvicorn.error").info("Started %s", "server")
    line = only_line(capsys)
    assert (line["event"], line["logger"], line["level"]) == ("Started server", "uvicorn.error", "info")


def test_uvicorns_access_log_is_off(capsys):
    configure_logging("info")
    logging.getLogger("uvicorn.access").info('"GET /?key=hunter2"')
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("level", "told"), [("info", True), ("warning", False)])
def test_the_level_holds(capsys, level, told):
    configure_logging(level)
    structlog.get_logger("x").info("something")
    assert bool(capsys.readouterr().err) is told


def test_configuring_again_writes_no_line_twice(capsys):
    configure_logging("info")
    configure_logging("info")
    logging.getLogger("other").warning("once")
    assert only_line(capsys)["event"] == "once"


def test_foreign_texts_are_escaped_and_bounded(capsys):
    configure_logging("info")
    structlog.get_logger("x").info("something", name="\r\n\x1b[31m\u202e\x7f" + "x" * 10_000)
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert text.rstrip("\n").isprintable()
    assert text.isascii()
    assert len(text) < 5000
    assert json.loads(text)["name"].startswith("\r\n\x1b[31m\u202e\x7fxx")


def test_exceptions_stand_in_their_line(capsys):
    configure_logging("info")
    try:
        int("broken")
    except ValueError:
        structlog.get_logger("x").exception("failed")
        logging.getLogger("y").exception("failed too")
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert "ValueError: invalid literal" in first["exception"]
    assert "ValueError: invalid literal" in second["exception"]


def test_what_is_no_json_is_told_by_its_words(capsys):
    configure_logging("info")
    structlog.get_logger("x").info("something", path=ValueError("odd"))
    assert only_line(capsys)["path"] == "odd"
