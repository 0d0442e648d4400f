"""The page: draw or upload a garment, watch a network recognise it, look inside it, retrain it."""
