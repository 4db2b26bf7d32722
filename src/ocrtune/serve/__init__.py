"""The service: pages and lines in over REST, text out; no torch.

`app.py` has the routes, `service.py` what they do. A request passes the door (`door.py`: host, size, time),
its images become pixels in processes of their own (`decoders.py`), their lines wait in the queue of a model
(`line_queue.py`) that `registry.py` has loaded.
"""
