"""The service: a queue of jobs, workers, a watcher of the model registry, an API and its pages."""
