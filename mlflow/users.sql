-- Users and permissions live beside the runs. Runs once, when the volume is empty.
CREATE DATABASE mlflow_users;
