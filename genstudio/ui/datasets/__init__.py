"""The parts of the Datasets tab: shelf, pages of the preview, checks, split, import and drawing."""
