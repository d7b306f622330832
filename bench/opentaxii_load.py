"""Run by OpenTAXII's own Python: one public collection, filled past HTTP; prints its path.

OPENTAXII_CONFIG=… VENV/bin/python opentaxii_load.py CORPUS
"""

import datetime as dt
import json
import sys
import uuid
from pathlib import Path

from opentaxii.config import ServerConfig
from opentaxii.middleware import create_app
from opentaxii.persistence.sqldb.taxii2models import STIXObject
from opentaxii.server import TAXIIServer

BATCH = 2000
FIRST = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
OWN_COLUMNS = {"id", "type", "spec_version"}


def row(number, line, collection):
    item = json.loads(line)
    return {
        "pk": uuid.uuid4(),
        "id": item["id"],
        "collection_id": collection,
        "type": item["type"],
        "spec_version": "2.1",
        "date_added": FIRST + dt.timedelta(milliseconds=number),
        "version": dt.datetime.fromisoformat(item["modified"]),
        "serialized_data": {key: value for key, value in item.items() if key not in OWN_COLUMNS},
    }


def main():
    lines = Path(sys.argv[1]).read_bytes().splitlines()
    server = TAXIIServer(ServerConfig())
    with create_app(server).app_context():
        store = server.servers.taxii2.persistence.api
        root = store.add_api_root("bench", "bench", default=True, is_public=True)
        public = {"is_public": True, "is_public_write": True}
        collection = store.add_collection(str(root.id), "bench", "bench", **public)
        for start in range(0, len(lines), BATCH):
            batch = enumerate(lines[start : start + BATCH], start)
            rows = [row(number, line, collection.id) for number, line in batch]
            store.db.session.bulk_insert_mappings(STIXObject, rows)
            store.db.session.commit()
        print(f"/taxii2/{root.id}/collections/{collection.id}")


if __name__ == "__main__":
    main()
