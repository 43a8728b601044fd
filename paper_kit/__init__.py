"""paper_kit turns an experiment file into a camera-ready paper in which every number is measured."""

__version__ = "0.1.0"
