"""Images that the program makes itself: garments from random templates, doodles, and a test set of sketches.

They are mixed into training (``pools``) so that a network recognises what people draw and photograph, not only the
data set; each kind of them is an entry of ``kinds.SYNTHETIC_KINDS``.
"""
