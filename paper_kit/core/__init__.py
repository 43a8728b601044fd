"""What all rooms share: errors, files, parts, specs, plans and the Store. No torch, no pandas."""
