// Text never becomes code in the browser, and the page asks nobody but its own server, by the functions that Gradio gives
// a widget. tests/forbidden.js breaks each of these rules, to prove that it is noticed.

import js from "@eslint/js";
import globals from "globals";

const CODE = "Text could become code.";
const ASK = "The server is asked by call(server.…), and nobody else is.";

const parsers = ["DOMParser"];
const requests = ["fetch", "XMLHttpRequest", "WebSocket", "EventSource", "Worker", "SharedWorker"];
const markup = ["innerHTML", "outerHTML", "insertAdjacentHTML", "setHTMLUnsafe", "parseHTMLUnsafe", "srcdoc"];
const writing = ["createContextualFragment", "write", "writeln"];
const sending = ["sendBeacon", "serviceWorker"];

const attribute = "CallExpression[callee.property.name=/^setAttribute/]";
const syntax = [
  { selector: `${attribute}[arguments.0.value=/^(on|srcdoc)/i]`, message: CODE },
  {
    selector: `${attribute}:not([arguments.0.type='Literal'])`,
    message: "Which attribute is it? It could be onclick.",
  },
  {
    selector:
      "CallExpression[callee.property.name='createElement'][arguments.0.value=/^(script|iframe|object|embed)$/i]",
    message: CODE,
  },
  { selector: "Literal[value=/^\\u002F\\u002F|https?:\\u002F/i]", message: "Another host." },
  { selector: "TemplateElement[value.raw=/^\\u002F\\u002F|https?:\\u002F/i]", message: "Another host." },
  { selector: "ImportDeclaration[source.value=/^[^.]/]", message: "A module has a relative address." },
];
const unwritten = parsers.map((name) => ({ name, message: CODE }));
const lateImport = { selector: "ImportExpression", message: "Modules are imported at the top of a file." };

export default [
  js.configs.recommended,
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    files: ["demo/widgets/**/*.js", "tests/forbidden.js"],
    languageOptions: { globals: globals.browser },
    rules: {
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-script-url": "error",
      "no-restricted-globals": ["error", ...unwritten, ...requests.map((name) => ({ name, message: ASK }))],
      "no-restricted-properties": [
        "error",
        ...[...parsers, ...markup, ...writing].map((property) => ({ property, message: CODE })),
        ...[...requests, ...sending].map((property) => ({ property, message: ASK })),
      ],
      "no-restricted-syntax": ["error", ...syntax, lateImport],
    },
  },
  { files: ["demo/widgets/**/*.js"], linterOptions: { noInlineConfig: true } }, // no comment turns a rule off
  {
    files: ["demo/widgets/shared/api.js"], // which has fetch, and no other way to ask
    rules: {
      "no-restricted-globals": [
        "error",
        ...unwritten,
        ...requests.filter((name) => name !== "fetch").map((name) => ({ name, message: ASK })),
      ],
    },
  },
  { files: ["demo/widgets/mount.js"], rules: { "no-restricted-syntax": ["error", ...syntax] } },
];
