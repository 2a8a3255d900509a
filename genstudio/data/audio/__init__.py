"""Sound as a kind of data: samples as numbers, clips as files, and what is measured of them. No torch."""
