// What no widget may do. ESLint fails as well where a line does not break the rule that the comment before it names: that
// comment is then of no use.

// eslint-disable-next-line no-restricted-syntax
import "some-package";

export const forbidden = (a, b, range) => {
  // eslint-disable-next-line no-restricted-properties
  a.innerHTML = b;
  // eslint-disable-next-line no-restricted-properties
  a["outerHTML"] = b;
  // eslint-disable-next-line no-restricted-properties
  a.insertAdjacentHTML("beforeend", b);
  // eslint-disable-next-line no-restricted-properties
  a.setHTMLUnsafe(b);
  // eslint-disable-next-line no-restricted-properties
  Document.parseHTMLUnsafe(b);
  // eslint-disable-next-line no-restricted-properties
  a.srcdoc = b;
  // eslint-disable-next-line no-restricted-properties
  range.createContextualFragment(b);
  // eslint-disable-next-line no-restricted-properties
  document.write(b);
  // eslint-disable-next-line no-restricted-properties
  document.writeln(b);
  // eslint-disable-next-line no-restricted-globals
  new DOMParser();
  // eslint-disable-next-line no-restricted-properties
  new window.DOMParser();
  // eslint-disable-next-line no-restricted-syntax
  a.setAttribute("onclick", b);
  // eslint-disable-next-line no-restricted-syntax
  a.setAttribute("srcdoc", b);
  // eslint-disable-next-line no-restricted-syntax
  a.setAttribute(b, b);
  // eslint-disable-next-line no-restricted-syntax
  a.setAttributeNS(b, "x", b);
  // eslint-disable-next-line no-restricted-syntax
  document.createElement("script");
  // eslint-disable-next-line no-restricted-syntax
  document.createElement("iframe");
  // eslint-disable-next-line no-eval
  eval(b);
  // eslint-disable-next-line no-new-func
  new Function(b);
  // eslint-disable-next-line no-implied-eval
  setTimeout("b", 1);
  // eslint-disable-next-line no-implied-eval
  setInterval("b", 1);
  // eslint-disable-next-line no-script-url
  a.href = "javascript:b";
  // eslint-disable-next-line no-restricted-syntax
  a.src = "https://example.org/b.png";
  // eslint-disable-next-line no-restricted-syntax
  a.src = "//example.org/b.png";
  // eslint-disable-next-line no-restricted-syntax
  a.src = `http://${b}`;
  // eslint-disable-next-line no-restricted-globals
  fetch(b);
  // eslint-disable-next-line no-restricted-properties
  window.fetch(b);
  // eslint-disable-next-line no-restricted-properties
  const { fetch: get } = window;
  // eslint-disable-next-line no-restricted-globals
  new XMLHttpRequest();
  // eslint-disable-next-line no-restricted-globals
  new WebSocket(b);
  // eslint-disable-next-line no-restricted-globals
  new EventSource(b);
  // eslint-disable-next-line no-restricted-globals
  new Worker(b);
  // eslint-disable-next-line no-restricted-globals
  new SharedWorker(b);
  // eslint-disable-next-line no-restricted-properties
  navigator.sendBeacon(b);
  // eslint-disable-next-line no-restricted-properties
  navigator.serviceWorker.register(b);
  // eslint-disable-next-line no-restricted-syntax
  import(b);
  return get;
};
