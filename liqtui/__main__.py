"""`python -m liqtui`."""

import sys

from liqtui.cli.main import main

sys.exit(main())
