"""The service: jobs, workers, a watcher of the model registry, an API and its pages."""

__all__: list[str] = []
