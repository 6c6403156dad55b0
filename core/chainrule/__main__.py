"""`python -m chainrule`."""

import sys

from chainrule._cli import main

sys.exit(main())
