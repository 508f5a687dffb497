"""Recipes: their fields, files and checks, what they leave open, and the models they describe."""
