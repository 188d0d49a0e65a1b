"""Trainings of recipes as tasks: any worker does one, and the driver alone writes its file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from acn_eval import atomic
from acn_eval.cache import OutcomeCache
from acn_eval.checkpoints.native import Native, write_native
from acn_eval.data.open import data_root
from acn_eval.engine.protocol import Show
from acn_eval.inference.runtime import Runtime
from acn_eval.tally import Progress, Tally, quietly
from acn_eval.training.fit import loop, weights_decided_by
from acn_eval.training.recipe import Recipe
from acn_eval.training.resume import Resume, state_key
from acn_eval.training.run import Course

__all__ = ["FileTask", "train_files"]


def train_files(
    wanted: Sequence[tuple[Recipe, Path]],
    runtime: Runtime,
    root: Path | None = None,
    progress: Progress = quietly,
) -> None:
    """Train every recipe whose file is not there, as many at once as the engine has slots.

    On equal threads a file holds the weights that `train` writes; its card may state other
    seconds. A training that was stopped goes on from the store of the runtime.

    Args:
        wanted: recipes with their seeds, and files that are either of that recipe or missing.
        runtime: its engine runs the trainings.
        root: where data sets lie, see `acn_eval.data.data_root`.
        progress: called with the training steps of all files.

    Raises:
        AcnEvalError: see `train`.
        Stopped: at Ctrl-C; says how much is kept.
    """
    missing = [(recipe, path) for recipe, path in wanted if not path.exists()]
    place = data_root(root).absolute()
    tasks = (FileTask(recipe, path.suffix, runtime, place) for recipe, path in missing)
    counter = Tally(sum(recipe.steps for recipe, _ in wanted), "training steps", progress)
    with counter:
        counter.add(counter.total - sum(recipe.steps for recipe, _ in missing))
        for number, (address, content), _ in runtime.engine.run(tasks, counter.show_of):
            recipe, path = missing[number]
            new = not path.exists()
            if new:
                atomic.write(path, content)
            runtime.store.drop(state_key(address))
            counter.add(recipe.steps * new, task=number)


@dataclass(frozen=True)
class FileTask:
    """One training of a recipe.

    Attributes:
        suffix: of the file that is yielded, ``.pt`` or ``.safetensors``.
        root: where data sets lie in the worker.
    """

    recipe: Recipe
    suffix: str
    runtime: Runtime
    root: Path

    def __call__(self, show: Show) -> Iterator[tuple[str, bytes]]:
        """Yield the address of the training, and the content of its file."""
        with self.runtime.own_settings():
            course = Course.opened(self.recipe, self.root)
            address = self._address(course)
            resume = Resume(self.runtime, address, show)
            fit = resume.begin(partial(course.begun, self.runtime.device))
            with resume.following() as after:
                loop(fit, course.splits, course.prepare, after, lambda done, _: resume.tell(done))
            content = self._content(course.finished(fit))
        yield address, content

    def __str__(self) -> str:
        """Return what messages call it."""
        return f"training of seed {self.recipe.seed} on {self.recipe.data}"

    def _address(self, course: Course) -> str:
        """Everything that decides the weights, so that no other training finds the state."""
        start = course.initial.start
        data = [own.fingerprint for own in course.splits]
        facts = [weights_decided_by(self.recipe), start and start.sha256, data]
        return OutcomeCache.key(["trained v1", *facts, self.runtime.profile().facts()])

    def _content(self, native: Native) -> bytes:
        with TemporaryDirectory() as folder:
            path = Path(folder, f"network{self.suffix}")
            write_native(path, native)
            return path.read_bytes()
