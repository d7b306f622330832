"""``python -m taxii_hub.cli``."""

from taxii_hub.cli import main

main(prog_name="taxii-hub")
