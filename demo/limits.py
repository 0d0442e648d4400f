"""How much one visitor, and all of them together, may ask of this server."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Every limit of a hosted page; what the browser needs of them it is told."""

    upload_bytes: int = 20 * 2**20  # of a picture file
    request_bytes: int = 30 * 2**20  # of one request: such a file in base64, and what goes with it
    all_requests_bytes: int = 300 * 2**20  # of all requests under way
    body_pause_seconds: float = 20.0  # from one piece of a request to the next, after which it is refused

    # Requests that wait for a slot, each of which holds one of the 40 threads in which Gradio serves everything.
    quick_waiting: int = 24
    slow_waiting: int = 8
    waiting_seconds: float = 10.0

    visitors: int = 200  # whose choice of a network is remembered
    visitor_networks: int = 6  # that one visitor has trained, the latest ones; about 3 MB each with its map, 20 at most
    networks: int = 300  # that all visitors together have trained

    training_queue: int = 8  # visitors in line, the one whose network is being trained included
    training_seconds: float = 900.0  # of one run, without its pauses
    pause_seconds: float = 300.0  # of one run, all its pauses together: meanwhile the others in line wait
    training_epochs: int = 30
    sweep_runs: int = 6  # that a visitor's page starts one after another; all of them are to be remembered
    training_batch: int = 1024  # the deep network needs about 1.7 MB for each image, synthetic ones included
    training_synthetic: float = 0.5  # of each kind of synthetic images, for each image of a batch
    # A network of layers of one's own is as large as the deep one at most, but for its parameters.
    own_layers: int = 40
    own_parameters: int = 1_000_000
    own_operations: int = 60_000_000  # multiply-adds for an image
    own_values: int = 400_000  # that all layers put out for an image
    patience_seconds: float = 90.0  # without a question, after which a visitor has left
    # Until the child process is killed: from the request to stop until it has evaluated its best weights on the
    # held-out images, and from there until it has evaluated them on thousands of images and made their map.
    stop_seconds: float = 60.0
    test_seconds: float = 240.0
