"""Everything that can go wrong and that a person can do something about.

FmnistError              its text is one sentence, fit to be shown to a visitor
├── ConfigError          a setting has a value that cannot work
├── DatasetError         a data file is missing, truncated, swapped, altered, or holds a bad row
├── PictureError         a file cannot be read as a picture
│   └── NothingDrawn     a picture was read, but there is nothing in it to recognise
├── CheckpointError      weights cannot be read or do not fit the network
├── StorageError         a file could not be written
├── ExportError          a network cannot be exported
└── ProcessLost          of several processes that train one network, another has ended
"""


class FmnistError(Exception):
    """Base of all errors of this package; ``str(error)`` is a sentence for a person."""


class ConfigError(FmnistError):
    """A setting has a value that cannot work."""


class DatasetError(FmnistError):
    """A data file is missing, truncated, swapped or altered, or a row of a CSV file is bad."""


class PictureError(FmnistError):
    """A file cannot be read as a picture."""


class NothingDrawn(PictureError):
    """The picture holds nothing to recognise: it is empty, or only a dot."""


class CheckpointError(FmnistError):
    """Weights cannot be read, or do not fit the network they are loaded into."""


class StorageError(FmnistError):
    """A file could not be written; what was there before is unchanged."""


class ExportError(FmnistError):
    """A network cannot be exported."""


class ProcessLost(FmnistError):
    """Another of the processes that train one network together has ended, or has been silent for long."""
