"""Probe, tune and question a trained network with your own photographs."""
