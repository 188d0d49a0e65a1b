import pytest

from acn_eval.service.database import Database
from acn_eval.service.tables import METADATA


@pytest.fixture
def database(tmp_path):
    made = Database.at(f"sqlite:///{tmp_path / 'service.db'}")
    METADATA.create_all(made.engine)
    return made
