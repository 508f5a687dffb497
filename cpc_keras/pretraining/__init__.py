"""Pre-training of a recipe on unlabelled images, alone or step by step along an ablation."""
