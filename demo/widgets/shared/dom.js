// Elements of the page.

/**
 * Finds the parts of a widget that its template is sure to have, each of the kind that is expected.
 * @param {ParentNode} root
 */
export const finder =
  (root) =>
  /**
   * @template {Element} [Kind=HTMLElement]
   * @param {string} selector
   * @param {new () => Kind} [kind]
   * @returns {Kind}
   */
  (selector, kind) => {
    const found = root.querySelector(selector);
    if (found instanceof (kind ?? HTMLElement)) return /** @type {Kind} */ (found);
    throw new TypeError(`There is no ${selector} of the kind that is expected.`);
  };

/** @type {(root: ParentNode, selector: string) => HTMLElement[]} */
export const findAll = (root, selector) =>
  [...root.querySelectorAll(selector)].filter((found) => found instanceof HTMLElement);

/**
 * What is sure to be around an element.
 * @param {Element} element
 * @param {string} selector
 */
export const around = (element, selector) => {
  const found = element.closest(selector);
  if (found instanceof HTMLElement) return found;
  throw new TypeError(`There is no ${selector} around this element.`);
};

/**
 * In the widget's place for it: the sentence, or nothing any more.
 * @param {ParentNode} element
 * @param {string} [sentence]
 */
export const showProblem = (element, sentence = "") => {
  const place = finder(element)(".problem");
  place.textContent = sentence;
  place.hidden = !sentence;
};

export const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** @param {Element} element */
export const bringIntoView = (element) =>
  element.scrollIntoView({ block: "nearest", behavior: isCalm() ? "auto" : "smooth" });

/**
 * @param {Element} element
 * @param {(isVisible: boolean) => void} listener
 */
export const whenVisible = (element, listener) => {
  new IntersectionObserver((entries) => listener(Boolean(entries.at(-1)?.isIntersecting))).observe(element);
};

/**
 * Lets the visitor keep a file that was made here.
 * @param {Blob} file
 * @param {string} name
 */
export const saveFile = (file, name) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000); // the download has begun by then
};
