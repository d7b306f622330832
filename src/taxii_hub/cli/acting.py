"""Who is at the terminal, for the record."""

from __future__ import annotations

import os
import pwd
import socket

from taxii_hub.ledger.leaves import Actor


def author() -> str:
    """The user of the system and the machine; the ``@`` tells it from the name of an account."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def operator() -> Actor:
    """The same, as a leaf of the audit log names him."""
    return Actor(author())
