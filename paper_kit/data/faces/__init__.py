"""Grey faces drawn from facial action units: what they show, who shows it, how it is seen, the drawing."""
