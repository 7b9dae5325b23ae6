"""The suite that asv discovers."""
