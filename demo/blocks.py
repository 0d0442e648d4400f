"""Gradio's blocks, less what these do with a file that a request to the API names: our function looks at it itself."""

from typing import Any, Final

import gradio as gr
from gradio.block_function import BlockFunction

NOT_UPLOADED: Final = "The picture was not uploaded to this server."


class Blocks(gr.Blocks):
    """As Gradio's own, but a function is given the JSON of a request as it was sent.

    (Gradio would fetch what lies at an address that anyone names, and say no more than "error": null of a path that it
    refuses, with a page of traceback in the log.)
    """

    async def preprocess_data(
        self, block_fn: BlockFunction, inputs: list[Any], *state: Any, **options: Any
    ) -> list[Any]:
        """What ``block_fn`` is given for the inputs in a request; None for each that is missing."""
        wanted = len(block_fn.inputs)
        return [*inputs, *[None] * wanted][:wanted]
