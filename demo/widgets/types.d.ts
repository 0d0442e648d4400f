// What goes between the server and the widgets, and between the widgets. Where it says base64, it is a list of numbers as
// shared/base64.js reads it.

export type Pair = [number, number]; // height and width, or a place on the map: across and up
export type Box = [number, number, number, number]; // left, top, right, bottom
export type Layout = "pca" | "pixels" | "tsne";
export type Colours = { isDark: boolean; ink: string; ground: string; accent: string; subdued: string };

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
  networks: Record<string, number>; // that are shipped, and how many numbers each has learned
  shares: Record<string, number>; // of the data, offered to train each network on
  layers: LayerRow[]; // of the network that answers at first
  session: number; // its number
}

export interface LayerRow {
  name: string;
  kind: string;
  words: string;
  shape: number[]; // of what it puts out: [channels, height, width] or [length]
  parameters: number;
  f: Pair | null; // filter, padding and stride, if it has a filter
  p: Pair | null;
  s: Pair | null;
}

// --- answers ----------------------------------------------------------------------------------------------------------

export interface Levels {
  shape: number[]; // [channels, height, width], or [length] of a vector
  tops: number[]; // of each channel the largest value, or of the vector
  values: string; // base64, bytes: 128 is zero, 1 and 255 are the largest value with its sign
}

export interface Who {
  network: string; // the name of the one that answers, or "yours"
  session: number; // which changes with the network
  own: boolean; // this visitor has trained one
}

/** What only an open view asks for. */
export interface Wanted {
  maps: string; // of this layer
  channel: [layer: string, channel: number]; // the answer without it
  pixel: [channel: number, row: number, column: number]; // the sum behind it, in the first layer
  spots: true; // the place on the map
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
  spots?: Partial<Record<Layout, Pair>>;
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
  box: Box; // in parts of that picture
  without: WithoutSteps;
}

export interface WithoutSteps {
  pixels: string; // base64, bytes
  words: string;
}

/** As the server gives it: to an opened file, whose other steps the page knows, it tells only one. */
export type ServerAnswer = Who & ((OpenAnswer & { steps?: Partial<Steps> }) | { empty: string });

/** As the widgets hear of it. */
export type Reading = Who & OpenAnswer & { steps?: Partial<Steps>; overruled: boolean };
export type Answer = Reading | ({ empty: string; overruled?: boolean } & Partial<Who>);

// --- what the widgets ask the server ----------------------------------------------------------------------------------

export type Failure = { error: string };
export type Answered<Reply> = (Reply & { error?: undefined }) | Failure;
export type Ask<Request, Reply> = (request: Request & { visitor: string }) => Promise<Answered<Reply>>;

/** By widget, the functions of the server that it is given. A test compares their names with those in page.py. */
export interface Servers {
  head: { facts: Ask<{}, Facts> };
  pad: { answer: Ask<Picture & { want: Partial<Wanted> }, ServerAnswer>; open_file: Ask<PictureFile, OpenedFile> };
  answer: { choose: Ask<{ network: string }, {}>; who: Ask<{}, Who>; train_state: Ask<{ seen: number }, TrainState> };
  maps: { layers: Ask<{}, { layers: LayerRow[] }> };
  channel: { channel: Ask<{ layer: string; channel: number }, Channel> };
  why: { reasons: Ask<{ pixels: string; label: number | null }, Reasons> };
  map: { points: Ask<{}, ServerPoints>; all_points: Ask<{ part: number }, MorePoints> };
  mistakes: { points: Ask<{}, ServerPoints> };
  curves: {
    train_start: Ask<{ settings: TrainSettings }, {}>;
    train_state: Ask<{ seen: number }, TrainState>;
    train_stop: Ask<{}, {}>;
    restore: Ask<{}, {}>;
  };
}

/** What an answer is about: a test sample, pixels that were made of a file, or a picture in base64. */
export type Picture =
  { sample: number } | { pixels: string; kind: string; without: string } | { picture: string; kind?: string };

export interface PictureFile {
  file: string; // its contents in base64
  name: string;
  kind?: string;
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
  maker: string; // the layer whose weights make it
  weights: Levels;
  exciting: { index: number; value: number; box: Box }[]; // samples, and what of each one it looks at
}

export interface Reasons {
  label: number;
  grad_cam: string; // base64, bytes: levels 0..255
  occlusion: Levels;
}

/** Places are x and y in turns, as 16 bits of the map's width and height. */
export type ServerPoints = Record<Layout, string | null> & { answers: string; others: number };

/** Places are x and y in turns, as float32 parts of the samples' map. */
export type MorePoints = Record<Layout, string | null> & {
  answers: string;
  labels: string;
  numbers: string;
  sheet: string; // address of the picture with all of the others
  count: number; // of the others
};

// --- training ---------------------------------------------------------------------------------------------------------

export interface TrainSettings {
  architecture: string;
  go_on: boolean;
  epochs: number;
  learning_rate: number;
  batch_size: number;
  share: number;
  for_people: boolean;
}

export interface TrainState {
  events: TrainEvent[];
  seen: number; // how many there have been
  alive: boolean; // more can come
}

export type TrainEvent =
  | { event: "Waiting"; place: number }
  | { event: "Loading" }
  | { event: "Started"; device: string; training_images: number; validation_images: number; steps: number }
  | StepDone
  | {
      event: "EpochDone";
      step: number;
      validation_loss: number | null; // null: no images are held out
      validation_accuracy: number;
    }
  | { event: "Stopping"; why: string }
  | { event: "Finished"; stopped: boolean }
  | Tested
  | { event: "Mapped" }
  | { event: "Failed"; sentence: string }
  | { event: "Restored" };

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

export interface Tested {
  event: "Tested";
  stopped: boolean;
  seconds: number;
  images: number;
  before: number; // accuracy on them
  after: number;
  before_drawings: number;
  after_drawings: number;
}

// --- what widgets tell each other -------------------------------------------------------------------------------------

export interface Events {
  /** What the server said about the current picture. */
  answer: Answer;
  /** A view was opened, so that answers must hold more. */
  wants: void;
  /** This visitor's network has changed: everything known about it is stale. */
  network: void;
  /** Its t-SNE map is ready: only the places of the samples have changed. */
  mapped: void;
  /** It is the shipped one again, as the visitor wished: said just before. */
  restored: void;
  /** The visitor says what the current picture is (a key of facts.kinds), or null: find out again. */
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
  /** Where the test samples lie, and what the network answers; from now on samples.labels holds as many. */
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

/** Places are x and y in turns, in parts of the map; null: that layout is not ready. */
export type Points = Record<Layout, Float32Array | null> & { answers: Uint8Array };
