"""What somebody who watches a training wants of it while it runs: to stop, to wait, another rate, more epochs."""

from dataclasses import dataclass, replace

from fmnist_core.train_config import TrainConfig


@dataclass(frozen=True)
class Control:
    """What is wanted at one moment; a training asks for it before every step, and goes by the last answer."""

    stop: bool = False  # the best weights so far are the result
    paused: bool = False  # no step is taken
    learning_rate: float | None = None  # the highest one, from the next step on; None: as it is
    epochs: int | None = None  # in all; None, or no more than there are: as they are

    def applied_to(self, config: TrainConfig) -> TrainConfig:
        """The configuration by which the training goes on.

        It is what a training of that many epochs and that rate would go by from its start: the schedule stretches over
        all epochs, so that the rate goes up where an epoch is added late, and is zero at the new end.

        Raises:
            ConfigError: the learning rate or the number of epochs is out of range.
        """
        learning_rate = config.learning_rate if self.learning_rate is None else self.learning_rate
        epochs = max(config.epochs, self.epochs or 0)
        if (learning_rate, epochs) == (config.learning_rate, config.epochs):
            return config
        return replace(config, learning_rate=learning_rate, epochs=epochs)
