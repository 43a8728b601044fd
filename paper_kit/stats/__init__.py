"""Pure functions of arrays: metrics, calibration, intervals, tests."""
