"""python -m genstudio"""

import multiprocessing
from multiprocessing import freeze_support

from genstudio.cli import main

if __name__ == "__main__":
    freeze_support()
    multiprocessing.freeze_support()
    raise SystemExit(main())
