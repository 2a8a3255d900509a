"""genstudio: train and explore generative models, on your own data, on an ordinary computer.

Who may import whom (arrows point up only; `tests/test_architecture.py` holds this picture as a dictionary):

             errors
               |
       config  -  events                 stdlib and pydantic; events also numpy
               |
       paths - runs - data - nn          runs: no torch. data and nn do not know each other
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

__version__ = "0.1.0"
