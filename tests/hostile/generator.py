"""Requests that nobody would write: seeded, so that a run can be repeated, and quick enough for a hundred thousand."""

from __future__ import annotations

import random
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson

from tests.hostile.wire import Target
from tests.support.probe import indicator

ODD_TEXTS = (
    "", " ", "\0", "a\0b", "\r\nX-Injected: 1", "\x1b[2J", "\u202eabc", "\ufeff", "é", "\U0001d518", "..", "../..", "%00", "%", "%zz", "$ne",
    '{"$gt":""}', "[]", "{}", "null", "true", "NaN", "-1", "0", "1", "1e9", "9" * 30, "0x10", "\u0663", "first", "last", "all", "2.1", "2.0",
    "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000001Z", "2026-02-30T00:00:00Z", "9999-12-31T23:59:60Z", "0000-00-00T00:00:00Z",
    "2026-01-01T00:00:00+01:00", "2026-01-01", "indicator", "x-" + "a" * 248, "a" * 300, "a" * 5_000, "${jndi:ldap:x}", "{{7*7}}", "';--",
    "indicator--00000000-0000-4000-8000-000000000000", "indicator--", "--", "identity--x", "sandbox", "scratch", "five-eyes", "application/json",
)  # fmt: skip
ODD_JSON = (
    b"null", b"true", b"0", b"-0", b"-0.0", b"1.0", b"1e400", b"-1e-400", b"NaN", b"Infinity", b"9007199254740993", b"9" * 400, b'""', b'"\\u0000"',
    b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\ud83d\\ude00"', b'"\xf0\x9f\x98\x80"', b'"\xff"', b'"\xed\xa0\x80"', b"[]", b"{}", b"[[[[]]]]",
    b"[" * 110 + b"]" * 110, b"[" * 2_000, b'{"$ref":"a","$id":"b"}', b'{"":0}', b'{"a":1,"a":2}', b'{"$date":0}', b'{"a.b":{"$gt":1}}', b"01", b"+1",
    b".5", b"1.", b"'x'", b"// x", b'"a', b"\x00", b"\xef\xbb\xbf", b'"' + b"x" * 20_000 + b'"', b'"2026-01-01T00:00:00.000Z"', b'"2026-13-01T00:00:00Z"',
    b'["identity--00000000-0000-4000-8000-000000000000"]', b"[null]", b'["a","a"]',
)  # fmt: skip
ODD_HEADERS = (
    "Accept", "Accept-Encoding", "Content-Type", "Content-Encoding", "TAXII-Hub-Purpose", "X-API-Key", "X-Forwarded-For", "Forwarded", "Host",
    "Range", "Expect", "Cookie", "Connection", "Upgrade", "User-Agent", "X-HTTP-Method-Override", "If-None-Match", "Transfer-Encoding", "Content-Length",
)  # fmt: skip
ODD_VALUES = (
    b"", b"*/*", b"application/taxii+json;version=2.1", b"application/taxii+json;version=9", b"text/html;q=0", b"gzip", b"zstd", b"gzip;q=0", b"identity;q=0",
    b"br, gzip;q=x", b"deflate", b"chunked", b"0", b"-1", b"99999999999999999999", b"100-continue", b"close", b"keep-alive, upgrade", b"websocket", b"h2c",
    b"\xff\xfe", b"a" * 9_000, b",;,;" * 500, b'"' * 99, b"bytes=0-1", b"127.0.0.1", b'for="[::1]:x"', b"research", b"thub_a_b_c", b"a\tb",
)  # fmt: skip
METHODS = ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "BREW", "POST", "GET")
TYPES = (
    "indicator",
    "identity",
    "malware",
    "url",
    "marking-definition",
    "relationship",
    "x-acme-thing",
    "bundle",
    "extension-definition",
)
API = {
    "GET": ("whoami", "mappings", "mappings/{}", "withdrawals", "withdrawals/{}/{}/followed", "objects/{}/{}/{}/explain", "audit/leaves",
            "audit/checkpoints", "audit/checkpoints/latest", "audit/keys", "audit/proofs/inclusion", "audit/proofs/consistency", "audit/statistics",
            "audit/disclosures", "audit/report", "legal-holds/{}/{}", "reviews/{}/{}", "releases", "releases/statistics", "releases/requests",
            "releases/{}", "release-requests", "openapi.json", "{}", "../metrics", "../../metrics"),
    "POST": ("mappings/{}/convert", "objects/{}/{}/{}/release", "objects/{}/{}/{}/regrade", "objects/{}/{}/{}/withdraw", "objects/{}/{}/{}/erase",
             "objects/{}/{}/{}/legal-hold", "objects/{}/{}/{}/lift-legal-hold", "objects/{}/{}/{}/reviewed", "objects/{}/{}/dry-run",
             "withdrawals/acknowledge", "subject-search", "releases/requests/{}/answer", "releases/{}/sign", "releases/{}/refuse", "release-requests"),
}  # fmt: skip
API_PARAMETERS = (
    "after",
    "limit",
    "kind",
    "account",
    "agency",
    "since",
    "until",
    "row",
    "size",
    "old",
    "object",
    "next",
    "settled",
    "overdue",
)
API_KEYS = ("reason", "to", "level", "audience", "needs", "purposes", "versions", "withdrawals", "names", "identifiers", "granted", "words",
            "api_root", "collection", "object_id", "extra")  # fmt: skip


@dataclass(frozen=True)
class Shot:
    """One request. ``framed``: it is HTTP, so exactly one answer has to come on a connection that goes on."""

    kind: str
    data: bytes
    framed: bool = True
    head_only: bool = False


@dataclass
class Generator:
    """``people`` by user name; what answers reveal (``learn``) goes into later requests."""

    chance: random.Random
    people: Mapping[str, Target]
    uploads: tuple[bytes, ...] = ()
    ids: deque[str] = field(default_factory=lambda: deque(maxlen=500))
    cursors: deque[str] = field(default_factory=lambda: deque(maxlen=200))
    statuses: deque[str] = field(default_factory=lambda: deque(maxlen=100))

    def shot(self) -> Shot:
        """The next request."""
        kinds = (
            self._poll,
            self._post,
            self._api,
            self._headers,
            self._auth,
            self._raw,
            self._method,
            self._upload,
            self._delete,
        )
        make: Callable[[], Shot] = self.chance.choices(kinds, (300, 260, 180, 90, 40, 60, 30, 1, 20))[0]
        return make()

    def learn(self, body: bytes) -> None:
        """Ids and cursors of a good answer."""
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return
        if not isinstance(document, dict):
            return
        if isinstance(cursor := document.get("next"), str):
            self.cursors.append(cursor)
        if "request_timestamp" in document:
            self.statuses.append(document["id"])
            self.ids.extend(each["id"] for each in document.get("successes", ()) if "id" in each)
        elif isinstance(things := document.get("objects"), list):
            self.ids.extend(thing["id"] for thing in things[:3] if "id" in thing)

    # --- the kinds -----------------------------------------------------------------------------

    def _poll(self) -> Shot:
        path = self._path()
        return Shot("poll", self._who().get(self._with_query(path)))

    def _post(self) -> Shot:
        chance = self.chance
        members = [self._thing() for _ in range(chance.choice((0, 1, 1, 2, 5)))]
        body = b'{"objects": [' + b",".join(members) + b"]}"
        if chance.random() < 0.25:
            body = self._bent(body)
        who = self._who()
        path = b"/sandbox/collections/scratch/objects/"
        if chance.random() < 0.15:
            path = self._path()
        if chance.random() < 0.2:
            return Shot(
                "post",
                who.head(
                    b"POST " + path + b" HTTP/1.1",
                    b"Content-Type: application/json",
                    b"Transfer-Encoding: chunked",
                )
                + b"\r\n\r\n"
                + self._chunks(body),
            )
        return Shot("post", who.post(path, body))

    def _api(self) -> Shot:
        chance = self.chance
        method = chance.choice(("GET", "GET", "POST"))
        path = "/api/v1/" + chance.choice(API[method])
        while "{}" in path:
            path = path.replace("{}", quote(self._segment(), safe="" if chance.random() < 0.9 else "/"), 1)
        who = self._who()
        if method == "GET":
            query = "&".join(
                f"{chance.choice(API_PARAMETERS)}={quote(self._text())}" for _ in range(chance.randrange(4))
            )
            return Shot("api", who.get(f"{path}?{query}".encode()))
        keys = {key: self._json() for key in chance.sample(API_KEYS, chance.randrange(5))}
        body = b"{" + b",".join(b'"%s":%s' % (key.encode(), value) for key, value in keys.items()) + b"}"
        if chance.random() < 0.2:
            body = self._bent(body)
        media_type = chance.choice(
            (b"application/json", b"application/json", b"multipart/form-data; boundary=x", b"text/plain")
        )
        return Shot("api", who.post(path.encode(), body, media_type=media_type))

    def _headers(self) -> Shot:
        chance = self.chance
        safe = [
            name
            for name in ODD_HEADERS
            if name not in ("Content-Length", "Transfer-Encoding", "Expect", "Connection", "Upgrade")
        ]
        told = [
            chance.choice(safe).encode() + b": " + chance.choice(ODD_VALUES)
            for _ in range(chance.randrange(1, 6))
        ]
        return Shot("headers", self._who().get(self._with_query(self._path()), *told))

    def _auth(self) -> Shot:
        chance = self.chance
        value = chance.choice((b"Basic ", b"Bearer ", b"basic", b"Token ", b"", b"Digest ")) + chance.choice(
            (
                b"",
                b"!!!",
                b"Og==",
                b"\xff",
                b"QTpC",
                quote(self._text()).encode()[:3000],
                b"thub_aaaaaaaaaa_" + b"b" * 52 + b"_aaaaaaa",
            )
        )
        return Shot(
            "auth",
            b"GET " + self._path() + b" HTTP/1.1\r\nHost: hub\r\nAuthorization: " + value + b"\r\n\r\n",
        )

    def _raw(self) -> Shot:
        """A whole request of another kind, with bytes of it changed, doubled, cut; or with odd framing headers."""
        chance = self.chance
        if chance.random() < 0.4:
            told = [
                chance.choice(ODD_HEADERS).encode() + b": " + chance.choice(ODD_VALUES)
                for _ in range(chance.randrange(1, 4))
            ]
            return Shot(
                "raw",
                self._who().get(self._path(), *told)
                + chance.choice((b"", b"0\r\n\r\n", b"{}", b"GET / HTTP/1.1\r\n\r\n")),
                framed=False,
            )
        whole = chance.choice((self._poll, self._post, self._api))().data
        return Shot("raw", self._bent(whole), framed=False)

    def _method(self) -> Shot:
        method = self.chance.choice(METHODS)
        framed = method != "CONNECT"
        data = self._who().head(f"{method} ".encode() + self._path() + b" HTTP/1.1") + b"\r\n\r\n"
        return Shot("method", data, framed, head_only=method == "HEAD")

    def _upload(self) -> Shot:
        if not self.uploads:
            return self._poll()
        data = self._bent(self.chance.choice(self.uploads), 20)
        form = (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
            + data
            + b"\r\n--x--\r\n"
        )
        who = self.people["hub-lab"]
        return Shot(
            "upload",
            who.post(b"/api/v1/mappings/auto/convert", form, media_type=b"multipart/form-data; boundary=x"),
        )

    def _delete(self) -> Shot:
        query = self.chance.choice(("", "?match[version]=last", "?match[version]=" + quote(self._text())))
        path = f"/sandbox/collections/scratch/objects/{quote(self._segment(), safe='')}/{query}"
        return Shot(
            "delete", self.people["hub-lab"].head(b"DELETE " + path.encode() + b" HTTP/1.1") + b"\r\n\r\n"
        )

    # --- what they are made of -----------------------------------------------------------------

    def _who(self) -> Target:
        return (
            self.people[self.chance.choice(tuple(self.people))]
            if self.chance.random() < 0.4
            else self.people["hub-lab"]
        )

    def _text(self) -> str:
        chance = self.chance
        known = (self.ids, self.cursors, self.statuses)
        if chance.random() < 0.4 and (pool := chance.choice(known)):
            return chance.choice(pool)
        return chance.choice(ODD_TEXTS)

    def _segment(self) -> str:
        pool = ("sandbox", "scratch", "five-eyes", "auto", "un_sc_consolidated_xml")
        return self.chance.choice(pool) if self.chance.random() < 0.5 else self._text()

    def _path(self) -> bytes:
        chance = self.chance
        if chance.random() < 0.3:
            parts = [quote(self._segment(), safe="") for _ in range(chance.randrange(5))]
            return ("/" + "/".join(parts) + chance.choice(("", "/"))).encode()
        here = "/sandbox/collections/scratch"
        one = quote(self._text(), safe="")
        paths = ("/taxii2/", "/sandbox/", "/sandbox/collections/", f"{here}/", f"{here}/objects/", f"{here}/objects/", f"{here}/manifest/",
                 f"{here}/objects/{one}/", f"{here}/objects/{one}/versions/", f"/sandbox/status/{one}/", "/five-eyes/collections/",
                 "/un-gcts/collections/", "/health/live", "/health/ready", "/metrics")  # fmt: skip
        return chance.choice(paths).encode()

    def _with_query(self, path: bytes) -> bytes:
        chance = self.chance
        names = (
            "limit",
            "added_after",
            "next",
            "match[id]",
            "match[type]",
            "match[version]",
            "match[spec_version]",
            "match[$ne]",
            "x",
            "",
        )
        pairs = []
        for _ in range(chance.choice((0, 1, 1, 2, 4))):
            value = ",".join(self._text() for _ in range(chance.choice((1, 1, 1, 3))))
            pairs.append(f"{quote(chance.choice(names), safe='[]')}={quote(value, safe=',')}")
        if chance.random() < 0.5:
            pairs.append(f"limit={chance.choice((1, 2, 10, 1000))}")
        return path + b"?" + "&".join(pairs).encode() if pairs else path

    def _json(self) -> bytes:
        chance = self.chance
        if chance.random() < 0.5:
            return chance.choice(ODD_JSON)
        text = self._text() if chance.random() < 0.8 else chance.choice(("as a test", "clear", "secret"))
        return orjson.dumps(text if chance.random() < 0.7 else [text])

    def _thing(self) -> bytes:
        chance = self.chance
        thing: dict[str, Any] = indicator(chance.randrange(1_000))
        thing["id"] = f"indicator--{uuid.UUID(int=chance.getrandbits(128), version=4)}"
        if chance.random() < 0.2 and self.ids:
            thing["id"] = chance.choice(self.ids)
        if chance.random() < 0.3:
            thing["type"] = chance.choice(TYPES)
        written = [(key, orjson.dumps(value)) for key, value in thing.items()]
        for _ in range(chance.choice((0, 0, 1, 1, 3))):
            at = chance.randrange(len(written))
            what = chance.randrange(4)
            if what == 0:
                written[at] = (written[at][0], self._json())
            elif what == 1:
                del written[at]
            elif what == 2:
                written.append((chance.choice(("x_a", "extensions", "labels", "object_marking_refs", "granular_markings", "external_references",
                                               "created_by_ref", "confidence", "lang", "revoked", "_id", "$set", "a.b")), self._json()))  # fmt: skip
            else:
                written.append(written[at])
        return b"{" + b",".join(b'"%s":%s' % (key.encode(), value) for key, value in written) + b"}"

    def _bent(self, data: bytes, times: int = 4) -> bytes:
        chance = self.chance
        for _ in range(chance.randrange(1, times)):
            at = chance.randrange(len(data) + 1)
            end = min(len(data), at + chance.choice((1, 1, 4, 30, 300)))
            new = chance.choice(
                (
                    b"",
                    bytes([chance.randrange(256)]),
                    data[at:end] * 2,
                    chance.choice(ODD_JSON),
                    chance.choice(ODD_VALUES)[:200],
                    b"\r\n",
                )
            )
            data = data[:at] + new + data[end:]
        return data

    def _chunks(self, body: bytes) -> bytes:
        cut = self.chance.randrange(len(body) + 1)
        pieces = [piece for piece in (body[:cut], body[cut:]) if piece]
        return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
