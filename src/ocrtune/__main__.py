"""`python -m ocrtune`, where the `ocrtune` command is not on the path."""

import sys

from ocrtune.cli import main

sys.exit(main())
