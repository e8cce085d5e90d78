"""`python -m streams.stack.cloud --port PORT`: run the cloud stand-in.

The API key comes from the environment (HOTSWAP_CLOUD_API_KEY), not from the command line,
which every user of the machine can read. Each field of `Faults` is an option.
"""

import os
import sys

from streams.stack.cloud.app import make_app
from streams.stack.cloud.faults import Faults
from streams.stack.cloud.model import Model
from streams.stack.cloud.service import Service
from streams.stack.standin.command import options, serve
from streams.stack.standin.control import Control


def main() -> None:
    """Serve until told to end."""
    chosen = options("streams.stack.cloud", Faults)
    key = os.environ.get("HOTSWAP_CLOUD_API_KEY", "")
    if not key:
        sys.exit("the environment variable HOTSWAP_CLOUD_API_KEY is not set")
    control = Control(chosen.switches, chosen.seed)
    serve(make_app(Service(Model(), key, control)), chosen.port, chosen.host)


if __name__ == "__main__":
    main()
