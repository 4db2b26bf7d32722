"""Reading line images: finds a MODEL by name or path and runs it with ONNX Runtime; no torch."""
