// What goes between the server and the widgets, and between the widgets. Where it says base64, it is a list of numbers as
// shared/base64.js reads it.

export type Pair = [number, number]; // height and width, or coordinates on the map: across and up
export type Box = [number, number, number, number]; // left, top, right, bottom
export type Layout = "pca" | "pixels" | "tsne";
export type Colours = { isDark: boolean; ink: string; background: string; accent: string; subdued: string };

// --- facts ------------------------------------------------------------------------------------------------------------

export interface Facts {
  classes: string[];
  colours: string[]; // of the classes
  example: number; // the sample that is shown first
  samples: {
    count: number;
    columns: number; // on the sheet
    sheet: string; // address of the picture with all of them
    labels: string; // base64, bytes
    numbers: string; // base64, 16 bits
  };
  sprite: string; // address of the picture with some training images
  data: string; // a sentence about the data set
  kinds: Record<string, string>; // of pictures: "name: what is made of it"
  networks: { id: string; name: string; parameters: number }[]; // that can be chosen; the first answers at first
  training: TrainingForm;
  layers: LayerRow[]; // of the network that answers at first
  session: number; // its number
  networkNameLength: number; // of a name that a visitor gives to a network, at most
  networksKept: number; // of those that a visitor has trained, at most
  lessonPictures: number; // that are taught at once, at most
  size: number; // height and width of the images
  uploadBytes: number; // of a picture file, at most
  networkBytes: number; // of the files of a network together, at most
}

export interface LayerRow {
  name: string;
  kind: string;
  words: string;
  shape: number[]; // of what it puts out: [channels, height, width] or [length]
  parameters: number;
  operations: number; // multiply-adds for one image
  f: Pair | null; // filter, padding, stride and dilation, where the formula explains the shape
  p: Pair | null;
  s: Pair | null;
  d: Pair | null;
  hasSum: boolean; // the arithmetic behind each of its values can be shown
}

// --- answers ----------------------------------------------------------------------------------------------------------

export interface Levels {
  shape: number[]; // [channels, height, width], or [length] of a vector
  tops: number[]; // of each channel the largest value, or of the vector
  values: string; // base64, bytes: 128 is zero, 1 and 255 are the largest value with its sign
}

export interface Which {
  network: string; // the id of the one that answers
  session: number; // which changes with the network
  own: { id: string; name: string }[]; // those that this visitor has trained, from the oldest to the latest
}

/** What only an open view asks for. */
export interface Wanted {
  maps: string; // of this layer
  channel: [layer: string, channel: number]; // the answer with it ablated
  pixel: [channel: number, row: number, column: number]; // the sum behind it, in the first layer
  coordinates: true; // on the map
  steps: true; // how the picture became pixels
}

export interface OpenAnswer {
  empty?: undefined;
  words: string;
  familiarity: number;
  note: string | null;
  probabilities: number[];
  kind: string;
  pixels: string; // base64, bytes
  maps?: { layer: string } & Levels;
  channel?: { layer: string; channel: number; probabilities: number[] };
  pixel?: PixelSum;
  coordinates?: Partial<Record<Layout, Pair>>;
  nearest?: Near[];
}

export interface PixelSum {
  place: [channel: number, row: number, column: number];
  patch: number[][];
  kernel: number[][];
  bias: number;
  total: number;
}

export interface Near {
  index: number; // of a sample
  distance: number;
}

export interface Steps {
  found: string; // a PNG file in base64
  box: Box; // in fractions of that picture
  naive: NaiveStep;
}

/** The picture only made grey and small. */
export interface NaiveStep {
  pixels: string; // base64, bytes
  words: string;
}

/**
 * As the server gives it: to an opened file, whose other steps the page knows, it tells only one. What waits while this
 * visitor asks about a newer drawing is not answered.
 */
export type ServerAnswer =
  (Which & ((OpenAnswer & { steps?: Partial<Steps> }) | { empty: string })) | { replaced: true; error?: undefined };

/** As the widgets hear of it. */
export type Reading = Which & OpenAnswer & { steps?: Partial<Steps>; overruled: boolean };
export type Answer = Reading | ({ empty: string; overruled?: boolean } & Partial<Which>);

// --- what the widgets ask the server ----------------------------------------------------------------------------------

export type Failure = { error: string };
export type Answered<Reply> = (Reply & { error?: undefined }) | Failure;
export type Ask<Request, Reply> = (request: Request & { visitor: string }) => Promise<Answered<Reply>>;

/** By widget, the actions of the server that it asks for. A test compares their names with those in handlers.py. */
export interface Servers {
  page_header: { facts: Ask<{}, Facts> };
  pad: { answer: Ask<Picture & { want: Partial<Wanted> }, ServerAnswer>; open_file: Ask<PictureFile, OpenedFile> };
  answer: {
    choose: Ask<{ network: string }, {}>;
    which: Ask<{}, Which>;
    train_state: Ask<{ seen: number }, TrainState>;
  };
  feature_maps: { layers: Ask<{}, { layers: LayerRow[] }> };
  channel: { channel: Ask<{ layer: string; channel: number }, Channel> };
  why: { reasons: Ask<{ pixels: string; label: number | null }, Reasons> };
  map: { points: Ask<{}, ServerPoints>; remaining_points: Ask<{ chunk: number }, MorePoints> };
  mistakes: { points: Ask<{}, ServerPoints> };
  training: {
    train_check: Ask<{ architecture: string; layers?: OwnLayer[] }, TrainCheck>;
    train_start: Ask<{ settings: TrainSettings; pixels?: string }, {}>;
    train_state: Ask<{ seen: number }, TrainState>;
    train_change: Ask<TrainChange, {}>;
    train_stop: Ask<{}, {}>;
    which: Ask<{}, Which>;
    choose: Ask<{ network: string }, {}>;
    rename: Ask<{ network: string; name: string }, {}>;
    restore: Ask<{}, {}>;
    animation: Ask<{ format: string }, { file: string; type: string }>;
    download: Ask<{}, { file: string; difference: number | null }>;
    upload: Ask<{ files: NetworkFile[] }, NetworkRow>;
  };
  teach: {
    teach: Ask<{ pictures: { pixels: string; label: number }[] }, {}>;
    train_state: Ask<{ seen: number }, TrainState>;
    which: Ask<{}, Which>;
    answer_by: Ask<PictureOf & { want: Partial<Wanted> }, OpenAnswer | { empty: string }>;
    compare: Ask<{ first: string; second: string }, Comparison>;
    choose: Ask<{ network: string }, {}>;
  };
  compare: {
    networks: Ask<{}, { networks: NetworkRow[] }>;
    which: Ask<{}, Which>;
    compare: Ask<{ first: string; second: string }, Comparison>;
    answer_by: Ask<PictureOf & { want: Partial<Wanted> }, OpenAnswer | { empty: string }>;
    choose: Ask<{ network: string }, {}>;
    rename: Ask<{ network: string; name: string }, {}>;
    forget: Ask<{ network: string }, {}>;
  };
}

/** What an answer is about: a test sample, pixels that were made of a file, or a picture in base64. */
export type Picture =
  { sample: number } | { pixels: string; kind: string; naive: string } | { picture: string; kind?: string };

/** Pixels of a picture, and the network that is to answer. */
export interface PictureOf {
  pixels: string; // base64, bytes
  kind: string;
  network: string; // its id
}

export interface PictureFile {
  file: string; // its contents in base64
  name: string;
  kind?: string;
}

export interface NetworkFile {
  name: string;
  file: string; // its contents in base64
}

export interface OpenedFile {
  picture: string; // a PNG file in base64
  pixels: string; // base64, bytes
  kind: string;
  steps: Steps;
}

export interface Channel {
  layer: string;
  channel: number;
  maker?: string; // the layer whose weights make it
  weights?: Levels;
  noWeights?: string; // why there are none to be shown
  top: { index: number; value: number; box: Box }[]; // the top-activating samples, and their receptive fields
}

export interface Reasons {
  label: number;
  grad_cam: string | null; // of a network that has maps: base64, bytes: levels 0..255
  occlusion: Levels;
}

/** Coordinates are x and y in turns, as 16 bits of the map's width and height. */
export type ServerPoints = Record<Layout, string | null> & { predictions: string; remaining: number };

/** Coordinates are x and y in turns, as float32 fractions of the samples' map. */
export type MorePoints = Record<Layout, string | null> & {
  predictions: string;
  labels: string;
  numbers: string;
  sheet: string; // address of the picture with all of them
  count: number; // of all of them
};

// --- training ---------------------------------------------------------------------------------------------------------

/** What can be set before a training. */
export interface TrainingForm {
  isOpen: boolean; // anyone may train here, not nobody
  patience: number | null; // seconds without a question, after which the server ends a training; null: never
  architectures: { id: string; parameters: number; description: string; values: SettingValues }[];
  custom: {
    id: string; // of the network of one's own layers, among the architectures
    values: SettingValues;
    rows: OwnLayer[]; // to begin with
    kinds: LayerKind[];
  };
  settings: FormSetting[];
  paces: Record<string, Pace>; // by network
  sweepRuns: number; // trainings that may be started at once, one after another
  more: Record<string, string[]>; // by heading, the names of those of the settings that are folded away
  suggestedSynthetic: SettingValues; // what makes a network right about drawings and photos, too
  pauseSeconds: number; // that all pauses of a training may take
}

/** How long all training images take once; synthetic ones count as others. */
export interface Pace {
  seconds: number;
  isMeasured: boolean; // in an earlier training here; else on another machine
}

/** What settings begin with, by their names; of a network, those in which the networks differ. */
export type SettingValues = Record<string, number | boolean>;

/** A row of a network of one's own: the kind of layer, and its numbers by their names (NaN while one is typed). */
export type OwnLayer = { layer: string } & Record<string, string | number>;

export interface LayerKind {
  id: string;
  label: string;
  settings: (FormSetting & { value: number })[]; // its numbers
}

/** What would come of a training with these settings. */
export interface TrainCheck {
  cannotStartFrom: string | null; // why it cannot start from the network that answers now
  layers?: PlannedLayer[]; // of one's own: each row up to the first impossible one, and after them the last layer
  problem?: string | null; // why the next one is impossible
}

export interface PlannedLayer {
  name: string;
  shape: number[]; // of what it puts out
  parameters: number;
  operations: number; // multiply-adds for one image
  flattened: number | null; // how many values were laid out in one row before it
}

export interface FormSetting {
  name: string;
  label: string;
  help: string;
  isWhole: boolean; // a whole number
  isSwitch: boolean; // true or false: no number
  low: number;
  high: number;
  value: number | boolean; // to begin with
}

export interface TrainSettings {
  architecture: string;
  init_from_current: boolean; // from the weights of the network that answers now
  watch: boolean; // with snapshots
  layers?: OwnLayer[]; // of a network of one's own
  [setting: string]: string | number | boolean | OwnLayer[] | undefined; // and by its name each of the form's settings
}

/** What shall be from the next step on; what is left out stays. */
export interface TrainChange {
  paused?: boolean;
  learning_rate?: number; // the highest one
  epochs?: number; // in all
}

export interface TrainState {
  events: TrainEvent[];
  seen: number; // how many there have been
  alive: boolean; // more can come
}

export type TrainEvent =
  | { event: "Waiting"; place: number }
  | { event: "Loading" }
  | Started
  | StepDone
  | EpochDone
  | SnapshotTaken
  | Changed
  | { event: "Paused" | "Continued"; step: number }
  | { event: "Stopping"; why: string }
  | { event: "Finished"; stopped: boolean; best_epoch: number }
  | Tested
  | { event: "Mapped" }
  | { event: "Failed"; sentence: string }
  | { event: "Restored" };

export interface Started {
  event: "Started";
  device: string;
  training_images: number;
  validation_images: number;
  steps: number;
  epochs: number;
  learning_rate: number; // the highest one
}

/** The learning rate or the number of epochs is another one from the step after this one on. */
export interface Changed {
  event: "Changed";
  step: number;
  steps: number;
  epochs: number;
  learning_rate: number; // the highest one
}

export interface EpochDone {
  event: "EpochDone";
  epoch: number;
  step: number;
  validation_loss: number | null; // null: no images are held out
  validation_accuracy: number;
  best: boolean; // so far
  seconds: number; // since the start, without pauses
}

export interface StepDone {
  event: "StepDone";
  step: number;
  steps: number;
  epoch: number;
  loss: number;
  accuracy: number;
  images_per_second: number;
  seconds_left: number;
}

/** A moment of a training. */
export interface SnapshotTaken {
  event: "SnapshotTaken";
  step: number;
  accuracy: number; // on the images that are placed
  coordinates: string; // base64: x and y of each in turns, in thousandths as 16 bits with a sign
  labels: string; // base64, bytes
  place: Pair | null; // of the picture that was there when the training began
  probabilities: number[] | null; // of that picture
  kernels: Levels | null; // of the first convolution
}

export interface Tested {
  event: "Tested";
  stopped: boolean;
  seconds: number;
  images: number;
  before: number; // accuracy on them
  after: number;
  before_sketches: number | null; // on the sketch test set; null after a lesson
  after_sketches: number | null;
}

// --- teaching ---------------------------------------------------------------------------------------------------------

/** A picture of which the visitor has said what it is. */
export interface LessonPicture {
  pixels: string; // base64, bytes
  kind: string; // of picture
  label: number;
}

// --- comparing --------------------------------------------------------------------------------------------------------

/** A network that the visitor can choose. */
export interface NetworkRow {
  id: string;
  name: string;
  architecture: string;
  parameters: number;
  accuracy: number; // on the samples
  maps: string[]; // the layers that put out maps
  own: boolean; // only this visitor has it
  record: RunRecord | null; // null: it is shipped, or was uploaded
}

/** How a network that the visitor has trained came about. */
export interface RunRecord {
  init_from: string | null; // the name of the network that it started from; null: random weights
  settings: RunSettings | null; // null: it was taught
  pictures: number; // that it was taught
  images: number; // test images
  accuracy: number; // on them
  sketches: number | null; // on the sketch test set
  seconds: number;
  events: TrainEvent[]; // steps and epochs
}

export interface RunSettings {
  architecture: string;
  layers: OwnLayer[]; // of a custom network
  [setting: string]: string | number | boolean | OwnLayer[];
}

/** Two networks on the same samples. */
export interface Comparison {
  images: number;
  accuracy: Pair; // of the first and the second network
  standard_error: Pair;
  only_first: number; // images that only the first network predicts correctly
  only_second: number;
  neither: number;
  p_value: number; // of McNemar's exact test
  per_class: (Pair | null)[]; // accuracy
  predictions: [first: string, second: string]; // base64, bytes
}

// --- what widgets tell each other -------------------------------------------------------------------------------------

export interface Events {
  /** What the server said about the current picture. */
  answer: Answer;
  /** A view was opened, so that answers must hold more. */
  wants: void;
  /** This visitor's network has changed: everything known about it is stale. */
  network: void;
  /** Its t-SNE map is ready: only the coordinates of the samples have changed. */
  mapped: void;
  /** It is the shipped one again, as the visitor wished: said just before. */
  restored: void;
  /** The visitor says what the current picture is (a key of facts.kinds), or null: detect it. */
  kind: string | null;
  /** A test sample was chosen, to become the current picture (its place on the sheet). */
  sample: number;
  /** A channel of a layer was chosen, or null: none. */
  channel: ChosenChannel | null;
  /** What is known about it is to be brought into view. */
  showchannel: void;
  /** The choice is to be taken back. */
  closechannel: void;
  /** The rows of the table of layers of the network that answers now. */
  layers: LayerRow[];
  /** The visitor's labelled pictures have changed. */
  lesson: LessonPicture[];
  /** The settings of an earlier training are to be used again. */
  settings: RunSettings;
  /** The coordinates of the test samples, and their predictions; from now on samples.labels holds as many. */
  points: Points;
  /** Test samples to be shown among the others (places on the sheet, perhaps none). */
  marked: number[];
  /** The page's address is another link now. */
  link: void;
  /** A tab is to be opened (its name as in a link: "look-inside"). */
  tab: string;
  /** The visitor wants to be shown around. */
  tour: void;
  /** Light or dark was switched. */
  theme: void;
}

/** The detail of an event as emit takes it: nothing where there is none. */
export type Detail<Name extends keyof Events> = Events[Name] extends void ? [] : [detail: Events[Name]];

export interface ChosenChannel {
  layer: string;
  channel: number;
  count: number; // of all channels of that layer
}

/** Coordinates are x and y in turns, in fractions of the map; null: that layout is not ready. */
export type Points = Record<Layout, Float32Array | null> & { predictions: Uint8Array };
