"""What a transformer of `nn` computes on the way: traces, statistics, lenses, heads and ablations, for any family."""
