"""The pages of the Playground: each looks at the same model and text in its own way."""
