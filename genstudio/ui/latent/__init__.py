"""The latent space of whatever makes samples: exploring it, paths through it, one sample looked at closely."""
