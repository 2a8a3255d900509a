"""The parts of the GAN tab."""
