"""A paper that is built again at each save, and the page in the browser that shows it."""
