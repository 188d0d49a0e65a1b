"""Results and comparisons in a real SQLite store."""


def client_of(recorded):
    from mlflow import MlflowClient

    return MlflowClient(recorded.store.uri, registry_uri=recorded.store.uri)


def search(recorded, condition):
    client = client_of(recorded)
    return client.search_runs(list(recorded.experiments.values()), condition)
