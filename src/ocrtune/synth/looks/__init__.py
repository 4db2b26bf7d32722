"""How a line looks: ink, geometry, paper, light, camera and file, drawn as data from a profile."""
