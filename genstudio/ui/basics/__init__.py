"""The Basics room: a network with every number, and explorers of its parts."""
