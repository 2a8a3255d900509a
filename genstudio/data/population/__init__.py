"""Genomes of a population: how its history makes them, and what is measured of them. No torch."""
