"""genstudio: train and explore generative models, on your own data, on an ordinary computer.

Who may import whom (arrows point up only; `tests/test_architecture.py` holds this picture as a dictionary):

             errors
               |
       config  -  events                 stdlib and pydantic; events also numpy
               |
       paths - snapshots - data - nn     data and nn do not know each other
               |
              runs                       no torch
               |
  training - sampling                    know no family
           |
  evaluation - inspection                know no family
               |
            families                     do not know each other, tasks, cli or ui
               |
             tasks
            /     \\
          cli      ui                    ui: the only PySide6/pyqtgraph; imports no torch at module level
"""

import os

__version__ = "0.1.0"

if os.environ.keys().isdisjoint(("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "KMP_BLOCKTIME")):
    # Where another program uses a core, OpenMP threads that spin at barriers keep the one they wait for from running.
    # Read once, when torch is loaded: so it stands where every way in begins. A short spin costs nothing measurable.
    os.environ.update(GOMP_SPINCOUNT="5000", KMP_BLOCKTIME="1")
