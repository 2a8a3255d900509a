"""How each dataset that ships is made from a package; `build_resources.py` beside this folder runs it all."""
