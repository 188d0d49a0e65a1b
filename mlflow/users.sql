-- Users and permissions, and the jobs of the service, live beside the runs. Runs once, when the
-- volume is empty.
CREATE DATABASE mlflow_users;
CREATE DATABASE acn_eval;
