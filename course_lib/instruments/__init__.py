"""What is measured of a network; ``plotting`` draws it.

===============  ==============================================================
``layers``       weights, gradients and outputs of each layer
``directions``   losses along a line and over a plane through the weights
``curvature``    how sharply a loss bends
``vital_signs``  what to look at when a loss curve looks wrong
===============  ==============================================================
"""
