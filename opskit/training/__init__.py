"""Workflows from data to prediction: train, deploy, predict, clean up."""
